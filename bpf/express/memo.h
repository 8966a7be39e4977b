/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The memo of the express path (include/abi_express.h): where an entry is, and which entries may be
 * displaced. express.h and learn.h include it.
 *
 * Each CPU has a memo of its own, so an entry does not change while it is read. A key has two
 * places, which are neighbours. A valid entry is never displaced by another key. So in a flood of
 * packets from unknown sources, lookups cost time, but entries stay.
 */
#pragma once

#include "step.h"

/* Tuples exist: some service needs one for each flow, session or client. */
#define with_tuples (with_flows || with_lists)

enum express_learns { LEARN_NOTHING, LEARN_SIDE, LEARN_TUPLE };

/* Returns the present generation. Entries of other generations are invalid: they were decided
 * before routes or the configuration changed. */
INLINE __u32 express_generation(void)
{
	__u32 zero = 0;
	struct control *c = bpf_map_lookup_elem(&control, &zero);

	if (!c)
		return 0;
#if defined(WGXDP_HOST) || defined(__TARGET_ARCH_x86)
	return read_once(c->generation);
#else	/* the pipeline must not read anything before this */
	return __sync_fetch_and_add(&c->generation, 0);
#endif
}

INLINE struct sides *sides_find(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&sides, &zero);
}

INLINE __u32 express_first_tuple(void)
{
	return bpf_get_smp_processor_id() * (express_mask + 1);
}

/* Arguments of a lookup. For a side, only src and word of the key are compared. */
struct express_sought {
	struct express_key key;
	__le32 index;		/* blind relay: receiver index of the message; else 0 */
	bool side;
};

#define EXPRESS_FACTOR 0x9e3779b97f4a7c15ULL

/* Returns the first of the two places of a key; the second is its neighbour. The hash of a side
 * needs no secret, because an attacker cannot choose which sides exist. */
INLINE __u32 express_home(const struct express_sought *k)
{
	__u64 h = k->key.src[0] ^ k->key.src[1] >> 7;	/* keeps all bits of an IPv4 address */

	if (k->side)
		return (h + k->key.word) * EXPRESS_FACTOR >> 48;
	h = h * hash_key0 + k->key.word * hash_key1;
	h += (k->key.dst[0] ^ k->key.dst[1] >> 7 ^ k->index) * EXPRESS_FACTOR;
	h = (h ^ h >> 29) * hash_key1;
	return h >> 32;
}

/* Returns the entry at the place `home`, among the sides or the tuples. */
INLINE struct memo *express_at(struct sides *sides, bool side, __u32 home)
{
	__u32 place;

	if (side)
		return &sides->side[home & (EXPRESS_SIDES - 1)];
	place = sides->tuples + (home & express_mask);
	return bpf_map_lookup_elem(&tuples, &place);
}

INLINE bool express_matches(const struct memo *e, const struct express_sought *k)
{
	__u64 differs = (e->key.src[0] ^ k->key.src[0]) | (e->key.src[1] ^ k->key.src[1]) |
			(e->key.word ^ k->key.word);

	if (k->side)
		return !differs;
	differs |= (e->key.dst[0] ^ k->key.dst[0]) | (e->key.dst[1] ^ k->key.dst[1]);
	if (with_blind && k->index)
		differs |= e->index ^ k->index;
	return !differs;
}

INLINE bool express_is_good(const struct memo *e, __u64 now, __u32 generation)
{
	return now < e->until && e->generation == generation;
}

/* Returns the entry that has this key, whether it is valid or not. Returns NULL if there is
 * none. */
INLINE const struct memo *express_find(struct sides *sides, const struct express_sought *k)
{
	__u32 home = express_home(k);
	const struct memo *e = express_at(sides, k->side, home);

	if (e && express_matches(e, k))
		return e;
	e = express_at(sides, k->side, home ^ 1);
	return e && express_matches(e, k) ? e : NULL;
}

/* Returns the place for an entry with this key, or NULL if valid entries occupy both places. */
INLINE struct memo *express_room(const struct express_work *w, const struct express_sought *k)
{
	struct sides *sides = sides_find();
	__u32 home = express_home(k);
	struct memo *a, *b;

	if (!sides)
		return NULL;
	a = express_at(sides, k->side, home);
	b = express_at(sides, k->side, home ^ 1);
	if (!a || !b || express_matches(a, k))
		return a;
	if (express_matches(b, k))
		return b;
	if (!express_is_good(a, w->now, w->generation))
		return a;
	return express_is_good(b, w->now, w->generation) ? NULL : b;
}

INLINE struct express_sought express_side(const __u64 *addr, enum express_side side, bool ipv4,
					  __be16 port, __u32 ifindex)
{
	return (struct express_sought){
		.key = {
			.src = { addr[0], addr[1] },
			.word = express_side_word(side, ipv4 ? FAMILY_IPV4 : FAMILY_IPV6, port,
						  ifindex),
		},
		.side = true,
	};
}
