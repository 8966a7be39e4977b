/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The step blind_find(), for rare messages: handshakes, and messages that match no session of their
 * sender. For a handshake message, mac1 tells the receiving site, among the sites that the sender
 * may talk to.
 *
 * Runs after blind_inspect() (blind.h). Then blind_learn_message() (index.h) if the site's place is
 * unknown, otherwise blind_route() (blind.h).
 * Reads:  s->guard.message, blind.from; the maps blind_sites, blind_state, sessions, hints.
 * Writes: s->blind; the maps budgets, failed, blind_state; the ring signals.
 */
#pragma once

#include "blind/index.h"
#include "guard/message.h"

/* ---- mac1 ---- */

/* Returns whether two sites may send to each other. */
INLINE bool blind_may(__u32 a, __u32 b)
{
	struct blind_state *state = blind_state_find();
	struct table_key key = blind_may_key(a, b);

	return state && (state->may_all || table_find_in(&endpoints, endpoints_mask, &key));
}

/* Callback of bpf_loop(): tries the key of the next site. Returns 1 if mac1 matches it. */
static long blind_try(__u32 i, void *none)
{
	struct pkt_state *state = state_find();
	struct blind_site *site;
	struct blind_work *b;

	if (!state)
		return 1;
	barrier_var(state);
	b = &state->blind;
	b->site = b->first + i;
	if (b->last) {
		site = bpf_map_lookup_elem(&blind_sites, &b->from);
		b->site = site ? site->last[i & (BLIND_LAST - 1)] : 0;
		if (!b->site)
			return 0;
	}
	site = bpf_map_lookup_elem(&blind_sites, &b->site);
	if (!site)
		return 1;
	if (!b->single && (b->site == b->from || !blind_may(b->from, b->site)))
		return 0;
	state->guard.tried++;
	if (!mac1_fits(&state->guard, site->mac1))
		return 0;
	b->to = b->site;
	b->result = 1;
	return 1;
}

/* Returns whether the message's mac1 was made with the key of site `number`. */
INLINE bool blind_fits(struct blind_work *b, __u32 number)
{
	b->first = number;
	b->single = 1;
	b->last = 0;
	b->result = 0;
	bpf_loop(1, blind_try, NULL, 0);
	return b->result;
}

/* Finds the site with whose key mac1 was made among those that b->from may talk to, and sets b->to.
 * The sites to which b->from sent initiations lately come first. Returns false if there is none. */
INLINE bool blind_fits_any(struct blind_work *b)
{
	struct blind_state *state = blind_state_find();

	b->single = 0;
	b->last = 1;
	b->result = 0;
	bpf_loop(BLIND_LAST, blind_try, NULL, 0);
	if (b->result)
		return true;
	b->first = 1;
	b->last = 0;
	if (state && state->sites > 1)
		bpf_loop(state->sites - 1, blind_try, NULL, 0);
	return b->result;
}

/* ---- messages for our own WireGuard ---- */

/* Tells the daemon that a message for our own WireGuard came from another address than those of the
 * sites. WireGuard may then know a site there. Does so at most once in `after`
 * jiffies. */
INLINE void blind_signal_daemon(const struct blind_work *b, __u32 after)
{
	struct signal signal = { .kind = SIGNAL_MOVED, .jiffies = b->now };
	struct blind_state *state = blind_state_find();

	if (b->from || !state || b->now - state->signalled < after)
		return;
	state->signalled = b->now;
	bpf_ringbuf_output(&signals, &signal, sizeof(signal), 0);
}

/* Passes up a message for our own WireGuard. */
INLINE int blind_pass_up(const struct blind_work *b)
{
	blind_signal_daemon(b, 1);
	return NOT_OURS;
}

/* Handles a message that belongs to no known session. The session may be older than our tables, so
 * the message is passed up to our own WireGuard, within a rate limit. */
INLINE int blind_pass_stray(const struct blind_work *b)
{
	struct blind_state *state = blind_state_find();
	__u64 each = ((__u64)tick_rate << GUARD_TICK) / BLIND_STRAYS;

	if (!state || !limit_charge(&state->limit, each, BLIND_STRAYS, b->now << GUARD_TICK))
		return -DROP_blind_limited;
	blind_signal_daemon(b, tick_rate / 20);
	return NOT_OURS;
}

/* ---- handshakes ---- */

/* Returns the hash under which the map failed counts wrong mac1s of a site: each site has its own
 * share, even behind a common address. A search among all keys counts too, because it costs time
 * for each site. */
INLINE __u64 site_hash(__u32 site)
{
	__u64 h = (site + 1ULL) * hash_key0;

	return h ^ h >> 32;
}

INLINE bool blind_is_known(__u32 number)
{
	const struct blind_site *site = bpf_map_lookup_elem(&blind_sites, &number);

	return site && site->place[site->now & 1].family;
}

/* Charges a wrong mac1 to the site, or to the source if it is no site. */
INLINE int blind_wrong_mac1(struct pkt_state *state)
{
	remember_failed(state->guard.hash, state->guard.now);
	return -DROP_guard_mac1;
}

INLINE int blind_initiation(struct pkt_state *state)
{
	struct blind_work *b = &state->blind;

	if (blind_fits(b, 0))
		return blind_pass_up(b);
	if (!b->from || !blind_fits_any(b))
		return blind_wrong_mac1(state);
	/* A search among all keys is charged like a wrong mac1, because it costs as much. */
	if (state->guard.tried > 1 + BLIND_LAST)
		remember_failed(state->guard.hash, state->guard.now);
	if (b->to == b->from)
		return -DROP_guard_mac1;
	b->waits = !blind_is_known(b->to);
	return b->to;
}

INLINE int blind_response(struct pkt_state *state)
{
	struct blind_work *b = &state->blind;
	__u64 value = 0;

	b->receiver = load_word(__u32, state->guard.message + 8);
	b->waits = 0;
	if (b->from)
		value = session_value(b->from, b->receiver, b->now);
	if (value && !(value & BLIND_INITIATED))
		return -DROP_blind_stranger;
	/* The initiation was answered long ago: a new initiation would have a new index. */
	if (value & BLIND_CONFIRMED &&
	    BLIND_UNTIL(value) - b->now < (BLIND_SECONDS - BLIND_ANSWER_SECONDS) * tick_rate)
		return -DROP_blind_refused;
	if (!blind_fits(b, value ? BLIND_ORIGIN(value) : 0))
		return blind_wrong_mac1(state);
	return value ? b->to : blind_pass_up(b);
}

/* Finds the site to which the initiation or response in s->guard goes. The site blind.from sent it.
 * Returns the site's number, NOT_OURS, or a reason. */
INLINE int blind_handshake_step(struct pkt_state *s)
{
	struct blind_state *state = blind_state_find();
	struct blind_work *b = &s->blind;
	__u64 hash;
	int rc;

	if (!state)
		return -DROP_guard_busy;
	if (!state->sites)
		/* No key is known yet, not even that of our own WireGuard. */
		return blind_pass_up(b);
	b->to = 0;
	b->index = load_word(__u32, s->guard.message + 4);
	s->guard.known = b->from;
	s->guard.now = b->now;
	hash = site_hash(b->from);
	s->guard.failed = b->from && has_failed(hash, b->now) ? FAILED : NOT_FAILED;
	if (!mac1_begin(&s->guard))
		return -DROP_guard_busy;
	if (b->from)
		s->guard.hash = hash;
	rc = s->guard.kind == MESSAGE_INITIATION ? blind_initiation(s) : blind_response(s);
	mac1_end(&s->guard);
	return rc;
}
STATE_STEP(with_blind, blind_handshake)

/* ---- data and cookie replies that match no session of their sender ---- */

/* Asks site `number` whether it has moved, because data of its session came from another address of
 * the same family. Asks at most once a second. */
INLINE void blind_challenge(struct pkt_state *s, __u32 number)
{
	struct signal signal = {
		.kind = SIGNAL_CHALLENGE, .site = number, .jiffies = s->blind.now,
	};
	struct blind_site *site = bpf_map_lookup_elem(&blind_sites, &number);
	struct blind_state *state = blind_state_find();
	__u64 before, now = s->blind.now;

	if (!site || !state || site->place[site->now & 1].family != s->family)
		return;
	before = site->challenged;
	if (now < before + tick_rate ||
	    __sync_val_compare_and_swap(&site->challenged, before, now) != before)
		return;
	site->asked = 0;
	site->candidate = s->src;
	site->candidate_port = s->sport;
	site->challenges++;
	__sync_fetch_and_add(&state->challenges, 1);
	bpf_ringbuf_output(&signals, &signal, sizeof(signal), 0);
}

/* Decides on data or a cookie reply that matches no session of its sender. Returns NOT_OURS or a
 * reason. If XDP has passed the packet up already, the rate limit is not charged again. */
INLINE int blind_inspect_data(struct pkt *p)
{
	struct blind_work *b = &p->s->blind;
	bool data = p->s->guard.kind == MESSAGE_DATA;
	bool seen = p->plane == PLANE_TC && p->s->link_flags & (LINK_NATIVE | LINK_GENERIC);
	__u64 hint;

	if (session_value(0, b->index, b->now))
		return blind_pass_up(b);
	if (!data)
		return seen ? NOT_OURS : blind_pass_stray(b);
	if (b->from)
		return NOT_OURS;
	hint = hint_value(b->index, b->now);
	if (!hint)
		return seen ? NOT_OURS : blind_pass_stray(b);
	/* Ask the site whether it has moved, unless the source address is invalid on this link. */
	if (!is_martian(p->s->family == FAMILY_IPV4, p->s->src) && !link_source(p))
		blind_challenge(p->s, BLIND_ORIGIN(hint));
	return -DROP_blind_stranger;
}
