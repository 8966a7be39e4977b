/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Tables of what the data path learns from packets (bpf/learned.h, user/dataplane/learned_table.c).
 * Part of abi.h.
 *
 * A table is an ARRAY of buckets. A bucket begins with a line of eight words, and each word stands
 * for a place that holds an entry:
 *
 *	63       tag       32 31 state 30 29 version 24 23       until       0
 *
 * tag      32 bits of the key's secret hash, the top one set; a word with tag 0 is free
 * state    enum learned_state
 * version  how often the place was taken, modulo 64
 * until    the entry is good before this time, in units, modulo 2^24
 *
 * A unit is 2^tick_shift jiffies, about 16 ms. So half-open entries differ in age even in a flood.
 * An entry that nobody uses looks good again once in 2^24 units (74 hours), for one time-out.
 */
#ifndef WGXDP_ABI_LEARNED_H
#define WGXDP_ABI_LEARNED_H

#define LEARNED_WAYS 8			/* places of a bucket */
/* a free place is taken in the home where more are free; in the first one if it has so many */
#define LEARNED_PREFER 4
#define LEARNED_UNTIL 0xffffffULL
#define LEARNED_LONGEST 0x1fffff	/* units: the longest time-out */
#define LEARNED_SECOND 64		/* units, at least a second */

enum learned_state {
	LEARNED_BUSY,			/* a program writes the entry; nobody else touches it */
	LEARNED_HALF,			/* not confirmed: gives way to others */
	LEARNED_LIVE,			/* confirmed: never gives way before its time is over */
	LEARNED_SPARE,			/* confirmed beyond its source's share: gives way first */
};

struct learned_line {
	__u64 word[LEARNED_WAYS];
} __attribute__((aligned(64)));

/* What keys are hashed as, and the value of an entry that has a key: struct learned_entry */
#define LEARNED_KEY 5
#define LEARNED_VALUE 3

/* secrets: ARRAY of one element. User space draws it with the tables that depend on it, and writes
 * it into the constants of all programs that use them. The factors are odd. */
struct learned_secret {
	__u32 key[10];
	__u64 factor[2];
};
/* For tests, and in the place of what user space draws */
#define LEARNED_NO_SECRET { \
	.key = { 0xae97d9db, 0x9b95f239, 0x177344a3, 0xef70b4c0, 0x9e293641, \
		 0xaa59ce1e, 0xd7881003, 0xbf2eb110, 0xd5a5167b, 0xa269d132 }, \
	.factor = { 0x9fb21c651e98df25ULL, 0x9e3779b97f4a7c15ULL }, \
}

static inline __attribute__((always_inline)) __u32 learned_word_tag(__u64 word)
{
	return word >> 32;
}

static inline __attribute__((always_inline)) __u32 learned_word_state(__u64 word)
{
	return word >> 30 & 3;
}

/* Returns the word of the same place that keeps only its version: a free place */
static inline __attribute__((always_inline)) __u64 learned_word_free(__u64 word)
{
	return word & 0x3f000000;
}

/* Returns the word that follows `old` at its place. BUSY, with which a program takes a place,
 * counts the version. */
static inline __attribute__((always_inline)) __u64
learned_word(__u32 tag, enum learned_state state, __u64 old, __u64 until)
{
	__u64 version = ((old >> 24) + (state == LEARNED_BUSY)) & 0x3f;

	return (__u64)tag << 32 | (__u64)state << 30 | version << 24 | (until & LEARNED_UNTIL);
}

/* Returns for how many units the entry is still good; 0: its time is over */
static inline __attribute__((always_inline)) __u32 learned_left(__u64 word, __u64 now)
{
	__u32 left = (word - now) & LEARNED_UNTIL;

	return left <= LEARNED_LONGEST ? left : 0;
}

/* Whether a reader's copy between two looks at the word is whole. The time, and the state from HALF
 * on, may change meanwhile; who rewrites the entry takes another version. */
static inline __attribute__((always_inline)) int learned_same(__u64 before, __u64 after)
{
	return !((before ^ after) & ~(LEARNED_UNTIL | 3ULL << 30)) &&
	       learned_word_state(before) != LEARNED_BUSY && learned_word_tag(before);
}

/* ---- the hash ---- */

static inline __attribute__((always_inline)) __u64
learned_nh(__u64 word, const volatile __u32 *key)
{
	return (__u64)((__u32)word + key[0]) * ((__u32)(word >> 32) + key[1]);
}

/* Returns the hash of five words by NH (RFC 4418 5.2.1), then mixed. Two keys have the same sum
 * once in 2^32, whoever chose them. Its low bits are the first home, its high half is the tag
 * there. */
static inline __attribute__((always_inline)) __u64
learned_hash(const __u64 *words, const volatile struct learned_secret *s)
{
	__u64 h = learned_nh(words[0], s->key) + learned_nh(words[1], s->key + 2) +
		  learned_nh(words[2], s->key + 4) + learned_nh(words[3], s->key + 6) +
		  learned_nh(words[4], s->key + 8);

	h = (h ^ h >> 32) * s->factor[0];
	return h ^ h >> 29;
}

/* Returns what the second home and its tag follow from. It has nothing to do with the first, so a
 * tag may stand once in a bucket, and no key is shut out. */
static inline __attribute__((always_inline)) __u64
learned_second(__u64 hash, const volatile struct learned_secret *s)
{
	hash = (hash ^ hash >> 31) * s->factor[1];
	return hash ^ hash >> 32;
}

/* Returns the way that is tried first in a hash's home */
static inline __attribute__((always_inline)) __u32 learned_first(__u64 hash)
{
	return hash >> 28 & (LEARNED_WAYS - 1);
}

static inline __attribute__((always_inline)) __u32 learned_tag(__u64 hash)
{
	return (__u32)(hash >> 32) | 1U << 31;
}

#endif
