/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Tables of what the programs learn from packets: flows, fragments, clients, indices, rate limits.
 * bpf/learned.h writes them; user/dataplane/learned_table.c reads them. Part of abi.h.
 *
 * A table is an ARRAY of buckets. A bucket begins with a line of eight words. Each word describes
 * one place of the bucket, which holds an entry:
 *
 * 	63       tag       32 31 state 30 29 version 24 23       until       0
 *
 * tag      32 bits of the key's secret hash, the top bit set; 0 in a free place
 * state    enum learned_state
 * version  how often the place was taken, modulo 64
 * until    the entry is valid before this time, in units, modulo 2^24
 *
 * A unit is 2^tick_shift jiffies, about 16 ms. The unit is so short that half-open entries differ
 * in age even in a flood. An expired entry that stays in its place seems valid again 65 to 74 hours
 * after its end, because the time has only 24 bits. A lookup that knows the longest validity of its
 * entries (learned_find_in()) shortens this to the length of one timeout. The daemon frees the
 * places of old flows before that (dataplane_flows_end_old()).
 */
#ifndef WGXDP_ABI_LEARNED_H
#define WGXDP_ABI_LEARNED_H

#define LEARNED_WAYS 8			/* places of a bucket */
/* A new entry goes to the emptier of its two buckets, or to the first if that has at least this
 * many free places. */
#define LEARNED_PREFER 4
#define LEARNED_UNTIL 0xffffffULL
#define LEARNED_LONGEST 0x1fffff	/* longest validity of an entry, in units */
#define LEARNED_SECOND 64		/* units that last at least a second */
/* An entry is old so many units after its end: 4 to 6 hours. */
#define LEARNED_OLD 0x100000

enum learned_state {
	LEARNED_BUSY,		/* a program is writing the entry; other programs leave it alone */
	LEARNED_HALF,			/* not confirmed: another entry may displace it */
	LEARNED_LIVE,			/* confirmed: no entry displaces it before it expires */
	LEARNED_SPARE,	/* confirmed, but above its source's share: the first to be displaced */
};

struct learned_line {
	__u64 word[LEARNED_WAYS];
} __attribute__((aligned(64)));

/* 64-bit words of the key and of the value in a struct learned_entry. */
#define LEARNED_KEY 5
#define LEARNED_VALUE 3

/* secrets: ARRAY of one element. User space draws the secret together with the tables that depend
 * on it, and writes it into the constants of all programs that use these tables. The factors are
 * odd. */
struct learned_secret {
	__u32 key[10];
	__u64 factor[2];
};
/* Default of the constants, which user space overwrites. Tests use it as it is. */
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

/* Returns the word that a place gets when it is freed: it keeps only its version. */
static inline __attribute__((always_inline)) __u64 learned_word_free(__u64 word)
{
	return word & 0x3f000000;
}

/* Returns the word that a place gets after the word `old`. BUSY, by which a program takes the
 * place, increments the version. */
static inline __attribute__((always_inline)) __u64
learned_word(__u32 tag, enum learned_state state, __u64 old, __u64 until)
{
	__u64 version = ((old >> 24) + (state == LEARNED_BUSY)) & 0x3f;

	return (__u64)tag << 32 | (__u64)state << 30 | version << 24 | (until & LEARNED_UNTIL);
}

/* Returns for how many units the entry is still valid; 0: it has expired. */
static inline __attribute__((always_inline)) __u32 learned_left(__u64 word, __u64 now)
{
	__u32 left = (word - now) & LEARNED_UNTIL;

	return left <= LEARNED_LONGEST ? left : 0;
}

/* Returns whether the entry is old: it expired LEARNED_OLD units ago, or earlier. */
static inline __attribute__((always_inline)) int learned_word_old(__u64 word, __u64 now)
{
	__u32 ago = (now - word) & LEARNED_UNTIL;

	return learned_word_tag(word) && ago >= LEARNED_OLD &&
	       ago < LEARNED_UNTIL - LEARNED_LONGEST;
}

/* Returns whether a copy of the entry is consistent. The reader passes the words that it read
 * before and after copying. The time may differ, and so may the state unless it is BUSY. A program
 * that rewrites the entry changes the version. */
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

/* Returns the mixed NH hash of five words (RFC 4418, section 5.2.1). Two keys collide in the NH sum
 * with a probability of 2^-32, even if an attacker chose them. The low bits select the first
 * bucket, and the high half is the tag there. */
static inline __attribute__((always_inline)) __u64
learned_hash(const __u64 *words, const volatile struct learned_secret *s)
{
	__u64 h = learned_nh(words[0], s->key) + learned_nh(words[1], s->key + 2) +
		  learned_nh(words[2], s->key + 4) + learned_nh(words[3], s->key + 6) +
		  learned_nh(words[4], s->key + 8);

	h = (h ^ h >> 32) * s->factor[0];
	return h ^ h >> 29;
}

/* Returns the second hash, which gives the second bucket and the tag there. The second hash is
 * independent of the first hash. A tag may occur only once in a bucket; a key that collides in one
 * bucket has a different tag in the other. */
static inline __attribute__((always_inline)) __u64
learned_second(__u64 hash, const volatile struct learned_secret *s)
{
	hash = (hash ^ hash >> 31) * s->factor[1];
	return hash ^ hash >> 32;
}

/* Returns the way that is tried first in the bucket of this hash. */
static inline __attribute__((always_inline)) __u32 learned_first(__u64 hash)
{
	return hash >> 28 & (LEARNED_WAYS - 1);
}

static inline __attribute__((always_inline)) __u32 learned_tag(__u64 hash)
{
	return (__u32)(hash >> 32) | 1U << 31;
}

#endif
