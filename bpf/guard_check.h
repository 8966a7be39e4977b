/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What the guard looks at in a handshake message, and in data whose sender it does not know, from where message.h brought it:
 * guard_scratch. Nothing is remembered here but time spent, and who was wrong. Part of message.h.
 */
#ifndef WGXDP_GUARD_CHECK_H
#define WGXDP_GUARD_CHECK_H

#include "guard_time.h"
#include "mac.h"
#include "maps.h"

INLINE struct guard_scratch *guard_scratch_find(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&guard_scratch, &zero);
}

INLINE const struct guard *guard_of(const struct guard_scratch *s)
{
	return bpf_map_lookup_elem(&guards, &s->id);
}

/* What counts as one source: an IPv4 address, or an IPv6 /64 */
INLINE struct addr guard_source(const struct addr *client)
{
	bool ipv4 = !client->q[0] && client->w[2] == bpf_htonl(0xffff);

	return (struct addr){ .q = { client->q[0], ipv4 ? client->q[1] : 0 } };
}

/* ---- mac1 ---- */

/* Before keys are tried: what is hashed for each of them. False: this CPU has no time for it */
INLINE bool mac1_begin(struct guard_scratch *s)
{
	struct addr source = guard_source(&s->client.addr);

	s->hash = source_hash(&source);
	if (!guard_may_spend(s))
		return false;
	s->tried = 0;
	block_words(s->work[0].m, s->message, WORDS(s->kind == MESSAGE_INITIATION ? 64 : RESPONSE_MAC1));
	block_words(s->work[1].m, s->message + 64, WORDS(INITIATION_MAC1 - 64));
	return true;
}

/* Whether it is by a key whose block gives this state */
INLINE bool mac1_fits(struct guard_scratch *s, const __u32 state[8])
{
	struct blake2s_work *w = s->work;
	__u32 differs;

	memcpy(w->h, state, sizeof(w->h));
	if (s->kind == MESSAGE_INITIATION) {
		blake2s_compress(&w[0], BLAKE2S_BLOCK + 64, 0);
		memcpy(w[1].h, w[0].h, sizeof(w->h));
		blake2s_compress(&w[1], BLAKE2S_BLOCK + INITIATION_MAC1, 1);
		differs = mac_compare(w[1].h, s->message + INITIATION_MAC1);
	} else {
		blake2s_compress(&w[0], BLAKE2S_BLOCK + RESPONSE_MAC1, 1);
		differs = mac_compare(w[0].h, s->message + RESPONSE_MAC1);
		opaque(differs);	/* or clang makes one comparison of both, with offsets in registers */
	}
	return !differs;
}

/* After s->tried of them */
INLINE void mac1_end(struct guard_scratch *s)
{
	guard_spent(s, s->tried * (s->kind == MESSAGE_INITIATION ? 2 : 1));
}

/* Tries one key; 1: no more */
static long guard_try(__u32 i, void *none)
{
	struct guard_scratch *s = guard_scratch_find();
	const struct guard_key *key;
	__u32 place;

	if (!s)
		return 1;
	place = s->key + i;
	key = bpf_map_lookup_elem(&guard_keys, &place);
	if (!key)
		return 1;
	s->tried = i + 1;
	if (!mac1_fits(s, key->mac1))
		return 0;
	s->backend = key->backend;
	s->answer = 0;
	return 1;
}

INLINE int guard_mac1(struct guard_scratch *s, __u32 keys)
{
	if (!mac1_begin(s))
		return -DROP_guard_busy;
	s->key = GUARD_KEYS_FIRST(keys);
	s->answer = -DROP_guard_mac1;
	bpf_loop(GUARD_KEYS_N(keys), guard_try, NULL, 0);
	mac1_end(s);
	if (s->answer)
		remember_failed(s->hash, s->now);
	return s->answer;
}

/* Whether an original's message may go to the service, and to which backend: 0 or a reason */
__attribute__((noinline)) int guard_check(void)
{
	struct guard_scratch *s = guard_scratch_find();
	const struct guard *g = s ? guard_of(s) : NULL;
	const struct answered *a;

	if (!s || !g)
		return -DROP_guard_busy;
	if (s->kind == MESSAGE_DATA && !(g->flags & (GUARD_STRICT | GUARD_BACKENDS)))
		return 0;
	a = bpf_map_lookup_elem(&answered, &s->client);
	s->now = bpf_jiffies64();
	s->known = a && s->now < a->until;
	s->backend = s->known ? a->backend : 0;
	if (s->kind == MESSAGE_INITIATION || s->kind == MESSAGE_RESPONSE)
		return guard_mac1(s, g->keys);
	s->index_key.index = s->index;
	s->index_key.id = s->id;
	a = s->indices ? NULL : bpf_map_lookup_elem(&indices, &s->index_key);
	if (a && s->now < a->until) {
		s->backend = a->backend;
		return 0;
	}
	if (s->known)
		return 0;
	return g->flags & (GUARD_STRICT | GUARD_BACKENDS) ? -DROP_guard_stranger : 0;
}

#endif
