/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Lock-free tables of what the programs learn; include/abi_learned.h describes their layout. flow/
 * and learned_entry.h use them. Every change is one compare-and-swap of a place's word:
 *
 * - A reader finds the tag, reads the word, copies the entry, and reads the word again. If anything
 *   but time and state of the word has changed, the lookup has failed.
 * - A writer takes a place (state BUSY, version + 1). The writer checks that no other place in both
 *   buckets has the key's tag, writes the entry, and publishes it by one exchange. A writer never
 *   waits. A BUSY place is never taken over: only programs write, and nothing can stop a program
 *   halfway.
 * - An expired entry stays until its place is needed. There are no timers.
 * - A new entry takes the first of these: a free place, an expired entry, a SPARE entry, the HALF
 *   entry that expires first. A new entry never displaces a LIVE entry.
 */
#pragma once

#include "step.h"
#include "table.h"

#ifndef learned_cas /* tests replace this, to run another CPU's packet between the two accesses */
#define learned_cas(word, from, to) (__sync_val_compare_and_swap((word), (from), (to)) == (from))
/* Publishes an entry, or frees its place: writes the place's word. */
#define learned_store(word, to) ((void)__sync_lock_test_and_set((word), (to)))
#endif

INLINE __u64 learned_units(__u32 seconds)
{
	return (__u64)seconds * tick_rate >> tick_shift;
}

INLINE const __u32 *learned_tag_at(const struct learned_line *line, __u32 way)
{
	return (const __u32 *)&line->word[way] + (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__);
}

/* Bounds the number of a way for the verifier, so that it may index a line with it. */
INLINE __u32 learned_index(__u32 way)
{
	return way & (LEARNED_WAYS - 1);
}

INLINE bool learned_has_tag(const struct learned_line *line, __u32 way, __u32 tag)
{
	return read_once(*learned_tag_at(line, learned_index(way))) == tag;
}

/* Finds the way (place of a line) whose word has the tag; returns false if there is none. The loop
 * is not unrolled, because the verifier would then walk eight copies. */
INLINE bool learned_find(const struct learned_line *line, __u32 tag, __u32 *ret)
{
#pragma clang loop unroll(disable)
	for (__u32 i = 0; i < LEARNED_WAYS; i++)
		if (learned_has_tag(line, i, tag)) {
			*ret = i;
			return true;
		}
	return false;
}

/* ---- code without branches, because with them the verifier would walk 2^16 paths ---- */

/* Returns 1 if x is 0, otherwise 0; x is below 2^63. The inline assembly hides x from the compiler,
 * which would otherwise use a branch. */
INLINE __u64 learned_none(__u64 x)
{
	asm volatile("" : "+r"(x));
	x = (x - 1) >> 63;
	asm volatile("" : "+r"(x));
	return x;
}

/* Returns 1 if a < b, otherwise 0; both are below 2^63. */
INLINE __u64 learned_less(__u64 a, __u64 b)
{
	__u64 x = a - b;

	asm volatile("" : "+r"(x));
	x >>= 63;
	asm volatile("" : "+r"(x));
	return x;
}

/* Returns how many words of the line have the tag. */
INLINE __u32 learned_count(const struct learned_line *line, __u32 tag)
{
	__u64 n = 0;

#pragma clang loop unroll(full)
	for (__u32 i = 0; i < LEARNED_WAYS; i++)
		n += learned_none(read_once(*learned_tag_at(line, i)) ^ tag);
	return n;
}

/* Returns the way whose word has the tag, or LEARNED_WAYS. Unlike learned_find(), without
 * branches. */
INLINE __u32 learned_way(const struct learned_line *line, __u32 tag)
{
	__u64 way = LEARNED_WAYS;

#pragma clang loop unroll(full)
	for (__u64 i = 0; i < LEARNED_WAYS; i++)
		way += learned_none(read_once(*learned_tag_at(line, i)) ^ tag) * (i - way);
	return way;
}

/* ---- which place a new entry takes ---- */

#define LEARNED_RANK (1ULL << 28)	/* above any time and any number of free places */

/* Returns how soon a new entry may take a place: the highest rank is taken first. A rank below
 * LEARNED_RANK means that the place cannot be taken. longest: the longest validity of an entry of
 * the table, in units. Times in words wrap around after 74 hours, so an entry with more time left
 * has expired long ago. */
INLINE __u64 learned_rank(__u64 word, __u64 now, __u32 longest)
{
	__u64 left = (word - now) & LEARNED_UNTIL, state = word >> 30 & 3;
	__u64 free = learned_none(word >> 32), busy = learned_none(state ^ LEARNED_BUSY);
	__u64 over = (learned_none(left) | learned_less(longest, left)) & ~busy;
	__u64 spare = learned_none(state ^ LEARNED_SPARE) & ~over;
	__u64 half = learned_none(state ^ LEARNED_HALF) & ~over;
	__u64 rank = 3 * over + 2 * spare + half;

	return free * 4 * LEARNED_RANK +
	       (1 - free) * (rank * LEARNED_RANK + (spare | half) * (longest - left));
}

/* ---- taking a place ---- */

/* Ranks the ways of bucket 0 or 1, whose words are in w->words, and keeps the best of both calls in
 * w. hash: the one that selected the bucket. A free place is preferred in the bucket that has more
 * of them (LEARNED_PREFER), and there in the way that learned_first() names, which lookups try
 * first. */
INLINE void learned_choose(struct learned_work *w, __u32 home, __u64 hash)
{
	__u64 rank = 0, way = 0, free = 0, word = 0, better;

#pragma clang loop unroll(disable)
	for (__u64 i = 0; i < LEARNED_WAYS; i++) {
		__u64 other = w->words[home * LEARNED_WAYS + i];
		__u64 its_rank = learned_rank(other, w->now, w->longest) +
				 learned_none(other >> 32) *
					 learned_none(i ^ learned_first(hash));

		better = learned_less(rank, its_rank);
		rank += better * (its_rank - rank);
		way += better * (i - way);
		word += better * (other - word);
		free += learned_none(other >> 32);
	}
	rank += 2 * free + (home ? 0 : 32 * learned_less(LEARNED_PREFER - 1, free));
	better = learned_less(w->rank, rank);
	w->rank += better * (rank - w->rank);
	w->way += better * (home * LEARNED_WAYS + way - w->way);
	w->word += better * (word - w->word);
}

/* Finds the best place for a new entry in both buckets, from their words: sets w->way (0 to 15),
 * w->word and w->rank. All tables share this step. */
INLINE int learned_rank_all_step(struct pkt_state *s)
{
	struct learned_work *w = &s->learned;

	w->rank = w->way = w->word = 0;
	learned_choose(w, 0, w->hash);
	learned_choose(w, 1, w->other);
	return 0;
}
STATE_STEP(true, learned_rank_all)

#define LEARNED_FULL (-1)		/* result: no place can be taken, all are LIVE or BUSY */
#define LEARNED_AGAIN 1	/* result: another CPU changed the place: try again */

/* Copies the words of both buckets, for learned_rank_all(). */
INLINE void learned_copy(struct learned_work *w, const struct learned_line *a,
			 const struct learned_line *b)
{
#pragma clang loop unroll(full)
	for (int i = 0; i < LEARNED_WAYS; i++) {
		w->words[i] = read_once(a->word[i]);
		w->words[LEARNED_WAYS + i] = read_once(b->word[i]);
	}
}

/* Takes the place that learned_rank_all() found, by making it BUSY; w->word is then its word, and
 * w->was the word before. a, b: buckets of w->hash and w->other, perhaps the same. Returns 0,
 * LEARNED_FULL or LEARNED_AGAIN. */
INLINE int learned_reserve(struct learned_work *w, struct learned_line *a, struct learned_line *b)
{
	bool second = w->way >= LEARNED_WAYS;
	__u64 hash = second ? w->other : w->hash;

	if (w->rank < LEARNED_RANK)
		return LEARNED_FULL;
	w->was = w->word;
	w->word = learned_word(learned_tag(hash), LEARNED_BUSY, w->was, 0);
	return learned_cas(&(second ? b : a)->word[learned_index(w->way)], w->was, w->word) ?
		       0 : LEARNED_AGAIN;
}

/* Returns true if no other place has the key's tag. If another place has the tag, another CPU is
 * making an entry for the same key, so this function frees our place. same: both buckets are
 * one. */
INLINE bool learned_alone(const struct learned_work *w, struct learned_line *a,
			  struct learned_line *b, bool same)
{
	__u32 tag0 = learned_tag(w->hash), tag1 = learned_tag(w->other);

	if (learned_count(a, tag0) + learned_count(b, tag1) == 1 + (same && tag0 == tag1))
		return true;
	learned_store(&(w->way >= LEARNED_WAYS ? b : a)->word[learned_index(w->way)],
		      learned_word_free(w->word));
	return false;
}
