/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The blind relay: receiver indices that handshakes between sites give out, and for whom each is. A pair of sites has room for some, of
 * which those that nobody has confirmed make way. Part of blind.h.
 */
#ifndef WGXDP_BLIND_INDEX_H
#define WGXDP_BLIND_INDEX_H

#include "blind_table.h"
#include "guard_make.h"

#define BLIND_ROOM_TRIES 64

INLINE struct blind_scratch *blind_scratch_find(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&blind_scratch, &zero);
}

INLINE struct blind_state *blind_state_find(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&blind_state, &zero);
}

INLINE __u64 session_value(__u32 site, __le32 index, __u64 now)
{
	__u64 key = BLIND_KEY(site, index);

	return blind_value(blind_find_in(&sessions, key), key, now);
}

/* Who sends with an index of a session between sites */
INLINE __u64 hint_value(__le32 index, __u64 now)
{
	__u64 key = BLIND_KEY(0, index);

	return blind_value(blind_find_in(&hints, key), key, now);
}

static __attribute__((noinline)) int session_put(struct blind_scratch *s)
{
	return blind_put_in(&sessions, s);
}

static __attribute__((noinline)) int hint_put(struct blind_scratch *s)
{
	return blind_put_in(&hints, s);
}

/* One place of the pair's ring; 1: it is the newcomer's. Its former index goes, if nobody has confirmed it. */
static long blind_take_place(__u32 i, void *none)
{
	struct blind_scratch *s = blind_scratch_find();
	struct blind_pair *pair;
	bool used;
	__u64 old;
	__u32 at;

	if (!s)
		return 1;
	pair = bpf_map_lookup_elem(&blind_pairs, &s->pair);
	if (!pair)
		return 1;
	at = __sync_fetch_and_add(&pair->next, 1);
	used = at >= BLIND_RING;
	at &= BLIND_RING - 1;
	s->key = BLIND_KEY(s->to, pair->index[at]);
	old = used ? blind_value(blind_find_in(&sessions, s->key), s->key, s->now) : 0;
	if (old && BLIND_ORIGIN(old) == s->from) {
		if (old & BLIND_CONFIRMED)
			return 0;
		s->value = 0;
		session_put(s);
	}
	pair->index[at] = s->index;
	s->answer = 0;
	return 1;
}

static const struct blind_pair no_pair CONSTANT = { .next = 0 };

INLINE int blind_room(struct blind_scratch *s)
{
	s->pair = BLIND_PAIR(s->from, s->to);
	s->answer = -1;
	if (!bpf_map_lookup_elem(&blind_pairs, &s->pair))
		bpf_map_update_elem(&blind_pairs, &s->pair, &no_pair, BPF_NOEXIST);
	bpf_loop(BLIND_ROOM_TRIES, blind_take_place, NULL, 0);
	return s->answer;
}

/* s->from has given s->index out, for s->to to send with: 0, or negative where another has. Where it had before, nothing changes: who
 * repeats a message prolongs nothing. */
INLINE int blind_learn(struct blind_scratch *s, __u32 seconds, __u32 flags)
{
	__u64 value = session_value(s->to, s->index, s->now);

	if (value)
		return BLIND_ORIGIN(value) == s->from ? 0 : -1;
	if (session_value(0, s->index, s->now) || blind_room(s))
		return -1;
	s->key = BLIND_KEY(s->to, s->index);
	s->value = BLIND_VALUE(s->now + seconds * tick_rate, s->from, flags);
	return session_put(s);
}

INLINE void blind_hint(struct blind_scratch *s, __le32 index, __u32 site)
{
	s->key = BLIND_KEY(0, index);
	if (hint_value(index, s->now))
		return;				/* two sites send with the same one: the first is asked */
	s->value = BLIND_VALUE(s->now + BLIND_SECONDS * tick_rate, site, BLIND_CONFIRMED);
	hint_put(s);
}

/* s->from answers an initiation of s->to: it vouches for that one's index, once */
INLINE void blind_confirm(struct blind_scratch *s)
{
	s->key = BLIND_KEY(s->from, s->receiver);
	s->value = BLIND_VALUE(s->now + BLIND_SECONDS * tick_rate, s->to, BLIND_INITIATED | BLIND_CONFIRMED);
	if (!(session_value(s->from, s->receiver, s->now) & BLIND_CONFIRMED))
		session_put(s);
	blind_hint(s, s->receiver, s->from);
	blind_hint(s, s->index, s->to);
}

/* The first data of s->from with an index that a response gave out. 0: what goes on is sent anyway */
__attribute__((noinline)) int blind_confirm_data(void)
{
	struct blind_scratch *s = blind_scratch_find();
	struct blind_session *e;
	__u64 value;

	if (!s)
		return 0;
	s->key = BLIND_KEY(s->from, s->index);
	e = blind_find_in(&sessions, s->key);
	value = blind_value(e, s->key, s->now);
	if (e && value)
		__sync_val_compare_and_swap(&e->value, value, value | BLIND_CONFIRMED);
	return 0;
}

/* The last initiation for a site that has not come yet */
INLINE void blind_keep(const struct blind_scratch *b)
{
	struct guard_scratch *s = guard_scratch_find();
	struct blind_waiting *w = bpf_map_lookup_elem(&blind_waiting, &b->to);

	if (!w || !s)
		return;
	w->since = 0;
	w->from = b->from;
	memcpy(w->message, s->message, INITIATION_LEN);
	w->since = b->now;
}

/* What follows from a message that blind_handshake() found to be for a site: that site, or a reason */
__attribute__((noinline)) int blind_make(void)
{
	struct blind_scratch *s = blind_scratch_find();
	struct blind_state *state = blind_state_find();
	bool response = s && s->make == MESSAGE_RESPONSE;

	if (!s)
		return -DROP_guard_busy;
	if (blind_learn(s, response ? BLIND_SECONDS : s->waits ? BLIND_WAITING_SECONDS : BLIND_TENTATIVE_SECONDS,
			response ? 0 : BLIND_INITIATED)) {
		if (state)
			__sync_fetch_and_add(&state->refused, 1);
		return -DROP_blind_refused;
	}
	if (response)
		blind_confirm(s);
	if (!s->waits)
		return s->to;
	blind_keep(s);
	return -DROP_blind_waiting;
}

#endif
