/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The step flow_commit(), for changes of a flow: it starts, is answered, is extended, or ends. A
 * new client gets a half-open flow with a port of ours. When the backend answers, the flow
 * becomes LIVE, or SPARE if its source has used up its share. A flow ends in one of these ways:
 * - it has expired, and its place or port is needed
 * - its service has another backend now
 * - user space ends it
 *
 * Runs after ready() (pipeline.h) and before leave().
 * Reads:  s->flow. Writes: s->flow.way; the maps flow_table, flow_index, flow_shares, flow_totals.
 */
#pragma once

#include "flow/port.h"
#include "flow/share.h"

INLINE struct flow_total *flow_total(__u32 id)
{
	return bpf_map_lookup_elem(&flow_totals, &id);
}

/* Returns the change of a checksum when an original's addresses are rewritten: new - old. */
INLINE __u16 flow_delta(const struct flow *f)
{
	return csum_fold(addr_delta(&f->client, &f->own) + addr_delta(&f->local, &f->backend));
}

/* ---- a new client ---- */

/* Finds an address and port of ours for the new flow, whose place flow_claim() has taken, and
 * publishes the flow as half-open. Returns 0 with s->way complete, or a reason. */
INLINE int flow_open_step(struct pkt_state *state)
{
	struct flow_work *s = &state->flow;
	__u32 way = s->place & (LEARNED_WAYS - 1);
	int rc = flow_find_port(s);
	struct flow_bucket *b = flow_bucket(s->place);

	if (!b)
		return -DROP_flows_full;
	if (rc) {
		learned_store(&b->line.word[way], learned_word_free(s->word));
		return s->half_open == HALF_OPEN_SECONDS ? -DROP_ports_exhausted :
							   -DROP_newcomer_limited;
	}
	s->made.delta = flow_delta(&s->made);
	b->flow[way] = s->made;
	s->word = learned_word(learned_word_tag(s->word), LEARNED_HALF, s->word,
			       s->units + learned_units(s->half_open));
	learned_store(&b->line.word[way], s->word);
	s->way.src = s->made.own;
	s->way.sport = s->made.own_port;
	s->way.delta = s->made.delta;
	return 0;
}
STATE_STEP(with_flows, flow_open)

/* ---- the backend's answer ---- */

/* Makes the half-open flow LIVE, or SPARE if its source's share is used up. One CPU succeeds. */
INLINE void flow_answer(struct pkt_state *pkt, const struct pool *pool)
{
	struct flow_work *s = &pkt->flow;
	struct flow_total *total = flow_total(s->id);
	struct flow_bucket *b = flow_bucket(s->place);
	__u32 way = s->place & (LEARNED_WAYS - 1);
	__u16 epoch = live_epoch(pool, s->units);
	enum learned_state state;
	__u64 word;

	if (!b)
		return;
	word = read_once(b->line.word[way]);
	if (!learned_same(s->word, word) || learned_word_state(word) != LEARNED_HALF)
		return;
	state = share_charge(pkt, SHARE_LIVE) ? LEARNED_LIVE : LEARNED_SPARE;
	if (!learned_cas(&b->line.word[way], word,
			 (word & ~(LEARNED_UNTIL | 3ULL << 30)) | (__u64)state << 30 |
				 ((s->units + learned_units(pool->timeout)) & LEARNED_UNTIL)))
		return;
	b->flow[way].since = s->units;
	b->flow[way].epoch = epoch;
	if (state == LEARNED_LIVE &&
	    learned_left(word, s->units) > learned_units(HALF_OPEN_BRIEF))
		share_charge(pkt, SHARE_REFUND);
	if (total)
		__sync_fetch_and_add(&total->created, 1);
}

/* ---- extending a flow ---- */

/* Extends the flow's time; runs when flow_ages() says so. Once in an epoch it counts the flow for
 * its source. If the source's share has room, a SPARE flow becomes LIVE. */
INLINE void flow_keep(struct pkt_state *pkt, const struct pool *pool)
{
	struct flow_work *s = &pkt->flow;
	struct flow_bucket *b = flow_bucket(s->place);
	__u32 way = s->place & (LEARNED_WAYS - 1);
	enum learned_state state = learned_word_state(s->word);
	__u32 seconds = state == LEARNED_HALF ? HALF_OPEN_SECONDS : pool->timeout;
	__u16 epoch = live_epoch(pool, s->units), was;

	if (!b)
		return;
	was = read_once(b->flow[way].epoch);
	if (state == LEARNED_HALF && !share_charge(pkt, SHARE_HALF))
		return;
	if (state == LEARNED_SPARE && share_charge(pkt, SHARE_LIVE))
		state = LEARNED_LIVE;
	else if (state == LEARNED_LIVE && was != epoch)
		share_charge(pkt, SHARE_LIVE_AGAIN);
	if (learned_cas(&b->line.word[way], s->word,
			(s->word & ~(LEARNED_UNTIL | 3ULL << 30)) | (__u64)state << 30 |
				((s->units + learned_units(seconds)) & LEARNED_UNTIL)) &&
	    state == LEARNED_LIVE)
		b->flow[way].epoch = epoch;
}

/* ---- ending a flow ---- */

/* Ends a former flow with the new flow's key, which has expired or leads to a backend that the
 * service no longer has. The listener may belong to another service by now. */
INLINE void flow_end_former(struct flow_work *s)
{
	struct flow_bucket *b = flow_bucket(s->place);
	struct flow_total *total;

	if (!b)
		return;
	total = flow_total(read_once(b->flow[s->place & (LEARNED_WAYS - 1)].id));
	if (flow_end_at(s->place, s->word) && s->way.is_new == FLOW_MOVES && total)
		__sync_fetch_and_add(&total->moved, 1);
}

/* Makes the change of the flow that way.is_new names, except for the place and port of a new flow.
 * Returns 0 or a reason. */
INLINE int flow_change_step(struct pkt_state *state)
{
	struct flow_work *s = &state->flow;
	const struct pool *pool = bpf_map_lookup_elem(&pools, &s->id);

	if (!pool)
		return -DROP_ports_exhausted;
	if (s->way.is_new == FLOW_ANSWERED) {
		flow_answer(state, pool);
		return 0;
	}
	if (s->way.is_new == FLOW_KNOWN) {
		flow_keep(state, pool);
		return 0;
	}
	if (s->is_found)
		flow_end_former(s);
	flow_describe(s);
	s->half_open = share_charge(state, SHARE_HALF) ? HALF_OPEN_SECONDS : HALF_OPEN_BRIEF;
	return 0;
}
STATE_STEP(with_flows, flow_change)

/* Calls the steps one after the other, because together they would exceed the stack. */
INLINE int flow_make(struct pkt_state *state)
{
	__u8 is_new = state->flow.way.is_new;
	int rc = flow_change(state);

	if (rc || is_new == FLOW_ANSWERED || is_new == FLOW_KNOWN)
		return rc;
	rc = flow_claim(state);
	if (rc == -DROP_flow_contended)
		rc = flow_claim(state);
	return rc ?: flow_open(state);
}
