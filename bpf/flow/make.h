/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * flow_commit, the rare part: flows begin, are answered, kept and ended. A new client gets an
 * embryo (half-open flow) with a port of ours. The backend's answer makes it LIVE; beyond its
 * source's share it is SPARE. A flow ends when its time is over and somebody needs its place or
 * port; when its service has another backend; or when user space asks for it.
 *
 * Before: ready (pipeline.h). After: leave.
 * Reads:  s->flow. Writes: s->flow.way; the maps flow_table, flow_index, flow_shares, flow_totals.
 */
#pragma once

#include "flow/port.h"

INLINE struct flow_total *flow_total(__u32 id)
{
	return bpf_map_lookup_elem(&flow_totals, &id);
}

/* Returns the checksum difference of the addresses that an original comes and leaves with */
INLINE __u16 flow_delta(const struct flow *f)
{
	return csum_fold(addr_delta(&f->client, &f->own) + addr_delta(&f->local, &f->backend));
}

/* ---- a new client ---- */

/* Gives the place that flow_claim() took an address and port of ours, and publishes the embryo.
 * Returns 0 with s->way complete, or a reason. */
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
		return -DROP_ports_exhausted;
	}
	s->made.delta = flow_delta(&s->made);
	b->flow[way] = s->made;
	s->word = learned_word(learned_word_tag(s->word), LEARNED_HALF, s->word,
			       s->units + learned_units(EMBRYO_SECONDS));
	learned_store(&b->line.word[way], s->word);
	s->way.src = s->made.own;
	s->way.sport = s->made.own_port;
	s->way.delta = s->made.delta;
	return 0;
}
STATE_STEP(with_flows, flow_open)

/* ---- the backend's answer ---- */

/* One CPU alone makes a flow of the embryo */
INLINE void flow_answer(struct flow_work *s, const struct pool *pool)
{
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
	state = live_allowed(s, pool, epoch, false) ? LEARNED_LIVE : LEARNED_SPARE;
	if (!learned_cas(&b->line.word[way], word,
			 (word & ~(LEARNED_UNTIL | 3ULL << 30)) | (__u64)state << 30 |
				 ((s->units + learned_units(pool->timeout)) & LEARNED_UNTIL)))
		return;
	b->flow[way].since = s->units;
	b->flow[way].epoch = epoch;
	if (state == LEARNED_LIVE)
		embryo_give_back(s);
	if (total)
		__sync_fetch_and_add(&total->created, 1);
}

/* ---- a flow that goes on ---- */

/* Once a second: sets the time until which the flow is good. Once an epoch its source's share
 * counts it; a SPARE one becomes LIVE when there is room in the share. */
INLINE void flow_keep(struct flow_work *s, const struct pool *pool)
{
	struct flow_bucket *b = flow_bucket(s->place);
	__u32 way = s->place & (LEARNED_WAYS - 1);
	enum learned_state state = learned_word_state(s->word);
	__u32 seconds = state == LEARNED_HALF ? EMBRYO_SECONDS : pool->timeout;
	__u16 epoch = live_epoch(pool, s->units), was;

	if (!b)
		return;
	was = read_once(b->flow[way].epoch);
	if (state == LEARNED_HALF && !embryo_allowed(s, s->now))
		return;
	if (state == LEARNED_SPARE && live_allowed(s, pool, epoch, false))
		state = LEARNED_LIVE;
	else if (state == LEARNED_LIVE && was != epoch)
		live_allowed(s, pool, epoch, true);
	if (learned_cas(&b->line.word[way], s->word,
			(s->word & ~(LEARNED_UNTIL | 3ULL << 30)) | (__u64)state << 30 |
				((s->units + learned_units(seconds)) & LEARNED_UNTIL)) &&
	    state == LEARNED_LIVE)
		b->flow[way].epoch = epoch;
}

/* ---- the end ---- */

/* Ends what stands under the key of a client that begins anew: its time is over, or it leads to a
 * backend that the service no longer has. The listener may be another service's by now. */
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

/* Does what way.is_new says, but for a newcomer's place and port. Returns 0 or a reason. */
INLINE int flow_change_step(struct pkt_state *state)
{
	struct flow_work *s = &state->flow;
	const struct pool *pool = bpf_map_lookup_elem(&pools, &s->id);

	if (!pool)
		return -DROP_ports_exhausted;
	if (s->way.is_new == FLOW_ANSWERED) {
		flow_answer(s, pool);
		return 0;
	}
	if (s->way.is_new == FLOW_KNOWN) {
		flow_keep(s, pool);
		return 0;
	}
	if (s->is_found)
		flow_end_former(s);
	flow_describe(s);
	return embryo_allowed(s, s->now) ? 0 : -DROP_newcomer_limited;
}
STATE_STEP(with_flows, flow_change)

/* In steps that follow each other: together they would not fit the stack */
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
