/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The step flow_way(): finds the flow of a packet (include/abi_flow.h, learned.h). An original's
 * key selects two buckets of `flow_table`. A reply's key selects two lines of `flow_index`, where a
 * word names the flow's place. The new addresses and ports are copied to the state. If the place's
 * word has changed meanwhile, the copy is discarded. Most flows are in the first bucket, in the way
 * that learned_first() names.
 *
 * Reads:  s->flow.key; the maps flow_table, flow_index.
 * Writes: s->flow.way, word, place; of a reply also id, ifindex, backend.
 */
#pragma once

#include "learned.h"

INLINE __u64 flow_hash(const struct flow_key *key)
{
	return learned_hash((const __u64 *)key, &learned_secret);
}

INLINE struct flow_bucket *flow_bucket(__u32 place)
{
	__u32 bucket = place / LEARNED_WAYS;

	return bpf_map_lookup_elem(&flow_table, &bucket);
}

INLINE struct learned_line *flow_index_line(__u32 line)
{
	return bpf_map_lookup_elem(&flow_index, &line);
}

INLINE __u64 flow_differs(const struct addr *a, const struct addr *b)
{
	return (read_once(a->q[0]) ^ b->q[0]) | (read_once(a->q[1]) ^ b->q[1]);
}

INLINE void flow_copy(struct addr *to, const struct addr *from, __u64 *seen)
{
	to->q[0] = read_once(from->q[0]);
	to->q[1] = read_once(from->q[1]);
	*seen |= to->q[0] | to->q[1];
}

/* The rest of a key: ports and family of one direction. more: `number` of an original, `delta` of a
 * reply. */
union flow_ends {
	struct {
		__be16 sport, dport;
		__u8 family, direction;
		__u16 more;
	};
	__u64 word;
};

/* If s->key is the flow's key for originals, copies the new addresses and ports of an original, and
 * returns 0. ORs all words that it read into *seen: the caller makes a later read depend on
 * them. */
INLINE __u64 flow_copy_original(struct flow_work *s, const struct flow *f, __u64 *seen)
{
	union flow_ends reply = { .word = read_once(f->reply_word) };

	flow_copy(&s->way.src, &f->own, seen);
	flow_copy(&s->way.dst, &f->backend, seen);
	s->way.sport = reply.dport;
	s->way.dport = reply.sport;
	s->way.family = reply.family;
	s->way.delta = reply.more;
	*seen |= reply.word;
	return flow_differs(&f->client, &s->key.src) | flow_differs(&f->local, &s->key.dst) |
	       (read_once(f->original_word) ^ s->key.word);
}

/* Does the same for a reply. Also copies the service, link and backend of the flow. */
INLINE __u64 flow_copy_reply(struct flow_work *s, const struct flow *f, __u64 *seen)
{
	union flow_ends original = { .word = read_once(f->original_word) };
	union flow_ends reply = { .word = read_once(f->reply_word) };

	flow_copy(&s->way.src, &f->local, seen);
	flow_copy(&s->way.dst, &f->client, seen);
	s->way.sport = original.dport;
	s->way.dport = original.sport;
	s->way.family = original.family;
	s->way.delta = ~reply.more;
	s->id = read_once(f->id);
	s->ifindex = read_once(f->ifindex);
	s->backend = original.more;
	*seen |= original.word | reply.word | s->id | s->ifindex;
	reply.more = 0;				/* the key of a reply has 0 here */
	return flow_differs(&f->backend, &s->key.src) | flow_differs(&f->own, &s->key.dst) |
	       (reply.word ^ s->key.word);
}

INLINE bool flow_read(struct flow_work *s, __u32 place)
{
	__u32 way = place & (LEARNED_WAYS - 1);
	struct flow_bucket *b = flow_bucket(place);
	__u64 word, differs, seen = 0;
	const struct flow *f;

	if (!b)
		return false;
	word = read_once(b->line.word[way]);
	f = follow_after(&b->flow[way], word);
	differs = s->key.direction == DIRECTION_ORIGINAL ? flow_copy_original(s, f, &seen) :
							   flow_copy_reply(s, f, &seen);
	s->word = word;
	s->place = place;
	return !differs &&
	       learned_same(word, read_once(*follow_after(&b->line.word[way], differs | seen)));
}

/* Returns the line of flow_index for a hash. *ret_home: the line's index. */
INLINE const struct learned_line *flow_line(const struct flow_work *s, __u64 hash, __u32 *ret_home)
{
	bool original = s->key.direction == DIRECTION_ORIGINAL;

	*ret_home = hash & (original ? flow_mask : flow_index_mask);
	return original ? bpf_map_lookup_elem(&flow_table, ret_home) :
			  bpf_map_lookup_elem(&flow_index, ret_home);
}

/* Reads the flow that a way (element) of a line refers to. Returns false if its key is another. */
INLINE bool flow_read_way(struct flow_work *s, const struct learned_line *line, __u32 home,
			  __u32 way)
{
	return flow_read(s, s->key.direction == DIRECTION_ORIGINAL ?
				    home * LEARNED_WAYS + learned_index(way) :
				    (__u32)read_once(line->word[learned_index(way)]));
}

/* Searches the flow in all ways of both lines, when it is not in the first way. */
INLINE int flow_search_step(struct pkt_state *state)
{
	struct flow_work *s = &state->flow;
	const struct learned_line *line;
	__u64 hash = s->hash;
	__u32 home, way;

#pragma clang loop unroll(full)
	for (int i = 0; i < 2; i++) {
		line = flow_line(s, hash, &home);
		if (line && learned_find(line, learned_tag(hash), &way) &&
		    flow_read_way(s, line, home, way))
			return true;
		hash = learned_second(hash, &learned_secret);
	}
	return false;
}
STATE_STEP(with_flows, flow_search)

/* Finds the flow of s->key, which may have expired: see learned_left(s->word). Returns true after
 * setting s->way, and s->place and s->word to the flow's place and the word there. */
INLINE bool flow_find(struct pkt_state *state)
{
	struct flow_work *s = &state->flow;
	const struct learned_line *line;
	__u32 home;

	s->hash = flow_hash(&s->key);
	line = flow_line(s, s->hash, &home);
	if (likely(line && learned_has_tag(line, learned_first(s->hash), learned_tag(s->hash)) &&
		   flow_read_way(s, line, home, learned_first(s->hash))))
		return true;
	return flow_search(state) == true;
}
