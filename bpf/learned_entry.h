/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Tables of struct learned_entry: fragments, choices, answered clients, indices, and rate limits of
 * sources. The key, the value to write and the result are in s->learned. learned.h explains how
 * places are taken and read; learned_steps.h makes steps of these functions.
 */
#pragma once

#include "learned.h"

/* Returns s->learned.key, with all words 0, for the caller to fill in. */
INLINE union learned_key *learned_key(struct pkt_state *s)
{
	__builtin_memset(&s->learned.key, 0, sizeof(s->learned.key));
	return &s->learned.key;
}

/* Returns the value for the next NAME_store(), in which all words are 0. The entry will be valid
 * for this many seconds. */
INLINE union learned_value *learned_value(struct pkt_state *s, enum learned_state state,
					  __u32 seconds)
{
	struct learned_work *w = &s->learned;

	__builtin_memset(&w->value, 0, sizeof(w->value));
	w->state = state;
	w->until = (bpf_jiffies64() >> tick_shift) + learned_units(seconds);
	return &w->value;
}

INLINE struct learned_bucket *learned_bucket_at(void *map, __u32 place)
{
	__u32 home = place / LEARNED_WAYS;

	return bpf_map_lookup_elem(map, &home);
}

/* ---- finding ---- */

#define LEARNED_NOWHERE (~0U)		/* w->place if the key has no entry */

/* Copies the word and value at w->place. Returns whether they belong to the key. */
INLINE bool learned_read(void *map, struct learned_work *w)
{
	const struct learned_bucket *b = learned_bucket_at(map, w->place);
	__u64 differs = 0, seen __attribute__((unused)) = 0, word;
	__u32 way = learned_index(w->place);
	const struct learned_entry *e;

	if (!b)
		return false;
	word = read_once(b->line.word[way]);
	e = follow_after(&b->entry[way], word);
#pragma clang loop unroll(full)
	for (int i = 0; i < LEARNED_KEY; i++)
		differs |= read_once(e->key.word[i]) ^ w->key.word[i];
#pragma clang loop unroll(full)
	for (int i = 0; i < LEARNED_VALUE; i++) {
		w->is.word[i] = read_once(e->value.word[i]);
		seen |= w->is.word[i];
	}
	w->word = word;
	return !differs &&
	       learned_same(word, read_once(*follow_after(&b->line.word[way], differs | seen)));
}

/* Finds the key's entry, which may have expired: sets w->place, w->word and w->is. The search
 * begins where most entries are, in the first bucket and the way of learned_first(). If the first
 * bucket lacks the tag, sets w->other too. */
INLINE bool learned_locate(void *map, __u32 mask, struct learned_work *w)
{
	__u64 hash = learned_hash(w->key.word, &learned_secret);
	__u32 home = hash & mask, way = learned_first(hash);
	const struct learned_bucket *b = bpf_map_lookup_elem(map, &home);

	w->hash = hash;
	w->now = bpf_jiffies64() >> tick_shift;
	if (b && !learned_has_tag(&b->line, way, learned_tag(hash)))
		way = learned_way(&b->line, learned_tag(hash));
	if (way == LEARNED_WAYS) {
		hash = w->other = learned_second(hash, &learned_secret);
		home = hash & mask;
		b = bpf_map_lookup_elem(map, &home);
		way = b ? learned_way(&b->line, learned_tag(hash)) : LEARNED_WAYS;
	}
	w->place = b && way < LEARNED_WAYS ? home * LEARNED_WAYS + way : LEARNED_NOWHERE;
	/* Reading w->place again hides its value from the verifier, which then merges the paths. */
	return read_once(w->place) != LEARNED_NOWHERE && learned_read(map, w);
}

/* Returns whether the entry that was found is valid. longest: the longest validity of an entry of
 * this table, in units. Times in words wrap around after 74 hours, so an entry that has expired can
 * seem to be valid for longer. */
INLINE bool learned_valid(const struct learned_work *w, __u32 longest)
{
	__u32 left = learned_left(w->word, w->now);

	return left && left <= longest;
}

/* Returns whether the key has a valid entry, and copies its value. seconds: the longest validity;
 * 0: valid until displaced. */
INLINE int learned_find_in(void *map, __u32 mask, struct learned_work *w, __u32 seconds)
{
	if (!learned_locate(map, mask, w))
		return false;
	w->value = w->is;
	return !seconds || learned_valid(w, learned_units(seconds));
}

/* ---- writing ---- */

/* Results of a step besides 0, FULL and AGAIN. LEARNED_SEEK: call learned_rank_all(), then this
 * step again. LEARNED_USED: the limit is exhausted. */
#define LEARNED_SEEK 2
#define LEARNED_USED 3

/* Handles a key without an entry: copies the words of its buckets, for learned_rank_all(). Returns
 * LEARNED_SEEK. */
INLINE int learned_seek(void *map, __u32 mask, struct learned_work *w)
{
	__u32 home0 = w->hash & mask, home1;
	struct learned_bucket *a, *b;

	/* learned_locate() did not set it if the first bucket has the tag: another CPU is writing
	 * the key's entry. */
	w->other = learned_second(w->hash, &learned_secret);
	home1 = w->other & mask;
	a = bpf_map_lookup_elem(map, &home0);
	b = bpf_map_lookup_elem(map, &home1);
	if (!a || !b)
		return LEARNED_FULL;
	learned_copy(w, &a->line, &b->line);
	w->sought = true;
	return LEARNED_SEEK;
}

/* Takes the place that learned_rank_all() found, and writes the entry. Returns 0, LEARNED_FULL or
 * LEARNED_AGAIN. */
INLINE int learned_write_new(void *map, __u32 mask, struct learned_work *w)
{
	__u32 home0 = w->hash & mask, home1 = w->other & mask;
	struct learned_bucket *a = bpf_map_lookup_elem(map, &home0);
	struct learned_bucket *b = bpf_map_lookup_elem(map, &home1);
	__u32 way = learned_index(w->way);
	int rc;

	w->sought = false;
	if (!a || !b)
		return LEARNED_FULL;
	rc = learned_reserve(w, &a->line, &b->line);
	if (rc)
		return rc;
	if (!learned_alone(w, &a->line, &b->line, home0 == home1))
		return LEARNED_AGAIN;
	if (w->way >= LEARNED_WAYS)
		a = b;
	a->entry[way].key = w->key;
	a->entry[way].value = w->value;
	w->word = learned_word(learned_word_tag(w->word), w->state, w->word, w->until);
	learned_store(&a->line.word[way], w->word);
	return 0;
}

/* Updates time and state of an entry whose value stays the same, at most once a second. */
INLINE void learned_keep(struct learned_bucket *b, const struct learned_work *w)
{
	__u64 later = (w->until - w->word) & LEARNED_UNTIL;

	if (!learned_valid(w, w->longest) || learned_word_state(w->word) != w->state ||
	    later - LEARNED_SECOND < LEARNED_LONGEST)
		(void)learned_cas(&b->line.word[learned_index(w->place)], w->word,
				  (w->word & ~(LEARNED_UNTIL | 3ULL << 30)) |
					  (__u64)w->state << 30 | (w->until & LEARNED_UNTIL));
}

/* Makes an entry BUSY to rewrite its value. Returns false if another CPU has changed it first. */
INLINE bool learned_reclaim(struct learned_bucket *b, struct learned_work *w)
{
	__u64 was = w->word;

	w->word = learned_word(learned_word_tag(was), LEARNED_BUSY, was, 0);
	return learned_cas(&b->line.word[learned_index(w->place)], was, w->word);
}

INLINE bool learned_has_value(const struct learned_work *w)
{
	__u64 differs = 0;

#pragma clang loop unroll(full)
	for (int i = 0; i < LEARNED_VALUE; i++)
		differs |= w->is.word[i] ^ w->value.word[i];
	return !differs;
}

/* Writes w->value to the entry that was found. A LIVE entry stays LIVE. Returns 0, LEARNED_FULL or
 * LEARNED_AGAIN. */
INLINE int learned_write_there(void *map, struct learned_work *w)
{
	struct learned_bucket *b = learned_bucket_at(map, w->place);
	__u32 way = learned_index(w->place);

	if (!b)
		return LEARNED_FULL;
	if (learned_word_state(w->word) == LEARNED_LIVE && learned_valid(w, w->longest))
		w->state = LEARNED_LIVE;
	if (learned_has_value(w)) {
		learned_keep(b, w);
		return 0;
	}
	if (!learned_reclaim(b, w))
		return LEARNED_AGAIN;
	b->entry[way].value = w->value;
	w->word = learned_word(learned_word_tag(w->word), w->state, w->word, w->until);
	learned_store(&b->line.word[way], w->word);
	return 0;
}

INLINE int learned_store_in(void *map, __u32 mask, struct learned_work *w)
{
	if (w->sought)
		return learned_write_new(map, mask, w);
	return learned_locate(map, mask, w) ? learned_write_there(map, w) :
					      learned_seek(map, mask, w);
}

/* Charges one event to the limit, like limit_charge(). Returns 0, LEARNED_AGAIN, LEARNED_SEEK or
 * LEARNED_USED. */
INLINE int learned_charge_in(void *map, __u32 mask, struct learned_work *w)
{
	__u64 used, units;
	bool there;

	if (w->sought)
		return learned_write_new(map, mask, w);
	there = learned_locate(map, mask, w);
	used = there && w->is.used > w->ticks ? w->is.used : w->ticks;
	used += w->each;
	if (used > w->ticks + w->burst * w->each)
		return LEARNED_USED;
	units = (used - w->ticks) >> GUARD_TICK >> tick_shift;
	w->until = w->now + 1 + (units < LEARNED_LONGEST - 1 ? units : LEARNED_LONGEST - 1);
	w->state = LEARNED_HALF;
	__builtin_memset(&w->value, 0, sizeof(w->value));
	w->value.used = used;
	return there ? learned_write_there(map, w) : learned_seek(map, mask, w);
}
