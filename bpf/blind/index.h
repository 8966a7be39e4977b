/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The steps blind_find() and blind_commit(): record the receiver indices that handshakes between
 * sites give out, and which site each belongs to. Each pair of sites has its own places, some for
 * new indices and some for confirmed ones. A new entry displaces the oldest one of the same pair,
 * so a site cannot displace the indices of others.
 *
 * Runs after handshake.h has found the site. Then the packet is sent, or waits for its site.
 * Reads:  s->blind, guard.message; the maps sessions, hints.
 * Writes: s->blind.key, value, pair; the maps sessions, hints, blind_pairs, blind_waiting.
 */
#pragma once

#include "blind/sessions.h"
#include "limit.h"
#include "guard/make.h"

INLINE struct blind_state *blind_state_find(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&blind_state, &zero);
}

/* ---- lookups ---- */

/* Returns the value of a receiver index that `site` sends with; 0: unknown. Inlined, because each
 * data packet needs it. */
INLINE __u64 session_now(__u32 site, __le32 index, __u64 now)
{
	__u64 key = BLIND_KEY(site, index);

	return blind_value(blind_find_in(&sessions, key), key, now);
}

TABLE_READ __u64 session_value(__u32 site, __le32 index, __u64 now)
{
	return with_blind ? session_now(site, index, now) : 0;
}

/* Returns the value in the map hints for the index of a session between two sites; 0: unknown. The
 * origin in this value is the site that sends with the index. */
TABLE_READ __u64 hint_value(__le32 index, __u64 now)
{
	__u64 key = BLIND_KEY(0, index);

	return with_blind ? blind_value(blind_find_in(&hints, key), key, now) : 0;
}

/* ---- updates: the caller sets blind.key and .value ---- */

INLINE int session_store_step(struct pkt_state *s)
{
	return blind_put_in(&sessions, &s->blind);
}
STATE_STEP(with_blind, session_store)

INLINE int hint_store_step(struct pkt_state *s)
{
	return blind_put_in(&hints, &s->blind);
}
STATE_STEP(with_blind, hint_store)

static const struct blind_pair no_pair CONSTANT = { .next = 0 };

/* Returns the entry of s->pair in blind_pairs, which it creates if needed; NULL: the map is
 * full. */
INLINE struct blind_pair *pair_find(struct blind_work *s)
{
	struct blind_pair *pair = bpf_map_lookup_elem(&blind_pairs, &s->pair);

	if (pair)
		return pair;
	bpf_map_update_elem(&blind_pairs, &s->pair, &no_pair, BPF_NOEXIST);
	return bpf_map_lookup_elem(&blind_pairs, &s->pair);
}

/* Puts an index into a ring of a pair. Returns whether it displaces an older one, which it writes
 * to *old. `places` is a power of two. */
INLINE bool ring_add(__u32 *next, __le32 *ring, __u32 places, __le32 index, __le32 *old)
{
	__u32 at = __sync_fetch_and_add(next, 1);

	*old = ring[at & (places - 1)];
	ring[at & (places - 1)] = index;
	return at >= places;
}

/* Removes an index that s->origin gave out for `user`, but a confirmed one only if s->even is
 * set. */
INLINE void index_remove(struct pkt_state *state, __u32 user, __le32 index)
{
	struct blind_work *s = &state->blind;

	s->value = 0;
	s->key = BLIND_KEY(user, index);
	session_store(state);
	if (!s->even)
		return;
	s->key = BLIND_KEY(0, index);
	s->origin = user; /* in the map hints, the origin is the site that sends with the index */
	hint_store(state);
}

/* Puts s->index into the ring of new indices between s->from and s->to. Returns 0, or a negative
 * value if the pair had too many new indices lately, or if blind_pairs is full. */
INLINE int blind_make_room(struct pkt_state *state)
{
	__u64 each = ((__u64)tick_rate << GUARD_TICK) / BLIND_NEWCOMERS;
	struct blind_work *s = &state->blind;
	struct blind_pair *pair;
	__le32 old;

	s->pair = BLIND_PAIR(s->from, s->to);
	pair = pair_find(s);
	if (!pair || !limit_charge(&pair->limit, each, BLIND_NEWCOMERS, s->now << GUARD_TICK))
		return -1;
	if (!ring_add(&pair->next, pair->index, BLIND_RING, s->index, &old))
		return 0;
	s->origin = s->from;
	s->even = false;
	index_remove(state, s->to, old);
	return 0;
}

/* Puts an index that `origin` gave out for `user` into their ring of confirmed indices, when it was
 * just confirmed. The oldest index in the ring is removed. */
INLINE void confirmed_add(struct pkt_state *state, __u32 origin, __u32 user, __le32 index)
{
	struct blind_work *s = &state->blind;
	__u64 now = s->now << GUARD_TICK, used;
	struct blind_pair *pair;
	__le32 old;

	s->pair = BLIND_PAIR(origin, user);
	pair = pair_find(s);
	if (!pair)
		return;
	used = pair->limit;
	if (used < now)	/* the daemon removes pairs that were not used lately */
		__sync_val_compare_and_swap(&pair->limit, used, now);
	if (!ring_add(&pair->next_confirmed, pair->confirmed, BLIND_CONFIRMED_RING, index, &old))
		return;
	s->origin = origin;
	s->even = true;
	index_remove(state, user, old);
}

/* Records that s->from gave out s->index, with which s->to will send. Returns 0, or a negative
 * value if another site gave out the same index. A repeated message changes nothing, so it does not
 * extend the index's time. Its site pays for it as for a wrong mac1, and so it does for a refused
 * one, because checking them takes as much time. */
INLINE int blind_learn(struct pkt_state *state, __u32 seconds, __u32 flags)
{
	struct blind_work *s = &state->blind;
	__u64 value = session_value(s->to, s->index, s->now);

	if (value || session_value(0, s->index, s->now) || blind_make_room(state)) {
		remember_failed(state->guard.hash, state->guard.now);
		return value && BLIND_ORIGIN(value) == s->from ? 0 : -1;
	}
	s->key = BLIND_KEY(s->to, s->index);
	s->value = BLIND_VALUE(s->now + seconds * tick_rate, s->from, flags);
	return session_store(state);
}

INLINE void blind_learn_hint(struct pkt_state *state, __le32 index, __u32 site)
{
	struct blind_work *s = &state->blind;

	s->key = BLIND_KEY(0, index);
	if (hint_value(index, s->now))
		return;	/* two sites use the index; only the first one is ever challenged */
	s->value = BLIND_VALUE(s->now + BLIND_SECONDS * tick_rate, site, BLIND_CONFIRMED);
	hint_store(state);
}

/* Confirms the index of an initiation from s->to, because s->from sends a response to it. An index
 * is confirmed only once. */
INLINE void blind_confirm(struct pkt_state *state)
{
	struct blind_work *s = &state->blind;

	if (!(session_value(s->from, s->receiver, s->now) & BLIND_CONFIRMED)) {
		confirmed_add(state, s->to, s->from, s->receiver);
		s->key = BLIND_KEY(s->from, s->receiver);
		s->value = BLIND_VALUE(s->now + BLIND_SECONDS * tick_rate, s->to,
				       BLIND_INITIATED | BLIND_CONFIRMED);
		session_store(state);
	}
	blind_learn_hint(state, s->receiver, s->from);
}

/* Confirms an index from a response, because s->from sends the first data with it. */
INLINE int blind_confirm_data_step(struct pkt_state *state)
{
	struct blind_work *s = &state->blind;
	struct blind_session *e;
	__u64 value;

	s->key = BLIND_KEY(s->from, s->index);
	e = blind_find_in(&sessions, s->key);
	value = blind_value(e, s->key, s->now);
	if (e && value && !(value & BLIND_CONFIRMED) &&
	    __sync_val_compare_and_swap(&e->value, value, value | BLIND_CONFIRMED) == value) {
		confirmed_add(state, BLIND_ORIGIN(value), s->from, s->index);
		blind_learn_hint(state, s->index, s->from);
	}
	return 0;
}
STATE_STEP(with_blind, blind_confirm_data)

/* Stores an initiation for a site whose address is unknown, in place of an earlier one. If two CPUs
 * try at once, one of them stores its whole message, and the other does nothing. */
INLINE void blind_keep_initiation(struct pkt_state *state)
{
	struct blind_work *b = &state->blind;
	struct blind_waiting *w = bpf_map_lookup_elem(&blind_waiting, &b->to);
	__u64 since;

	since = w ? read_once(w->since) : BLIND_WRITING;
	if (since == BLIND_WRITING ||
	    __sync_val_compare_and_swap(&w->since, since, BLIND_WRITING) != since)
		return;
	memcpy(w->message, state->guard.message, INITIATION_LEN);
	__sync_lock_test_and_set(&w->since, b->now);
}

/* Records the site that the sender's initiation goes to: next time its key is tried first. */
INLINE void blind_learn_addressee(struct blind_work *b)
{
	struct blind_site *from = bpf_map_lookup_elem(&blind_sites, &b->from);

	if (from)
		from->last[b->to & (BLIND_LAST - 1)] = b->to;
}

/* Records the indices of a message for which blind_handshake() found the site. Returns that site,
 * or a reason. */
INLINE int blind_learn_message_step(struct pkt_state *state)
{
	struct blind_work *s = &state->blind;
	struct blind_state *counters = blind_state_find();
	bool response = s->make == MESSAGE_RESPONSE;
	__u32 seconds = response ? BLIND_SECONDS : s->waits ? BLIND_WAITING_SECONDS :
							      BLIND_TENTATIVE_SECONDS;

	if (blind_learn(state, seconds, response ? 0 : BLIND_INITIATED)) {
		if (counters)
			__sync_fetch_and_add(&counters->refused, 1);
		return -DROP_blind_refused;
	}
	if (response)
		blind_confirm(state);
	else
		blind_learn_addressee(s);
	if (!s->waits)
		return s->to;
	blind_keep_initiation(state);
	return -DROP_blind_waiting;
}
STATE_STEP(with_blind, blind_learn_message)
