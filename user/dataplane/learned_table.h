/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * learned_table: the data path's tables of what it learns (include/abi_learned.h), as user space
 * sees them. Programs write them while this reads and writes. This writes only into tables that
 * were made anew, what the former ones hold.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include "abi.h"

/* Returns log2 of the jiffies in a unit of abi_learned.h */
__u32 learned_shift(void);
/* The time now, and seconds, in units. The first may be some seconds ahead (lib/jiffies.h). */
__u64 learned_now(void);
__u64 learned_units(__u32 seconds);
/* Units in seconds, rounded */
__u64 learned_seconds(__u64 units);

/* The lines of words of one map: `step` bytes apart, mask + 1 of them, a power of two */
struct learned_lines {
	void *first;
	size_t step;
	__u32 mask;
};

/* A place that is the caller's */
struct learned_home {
	__u64 *word;			/* NULL: there is none for this key, or its tag is there */
	__u32 place;			/* bucket * LEARNED_WAYS + way */
};

/* Takes a free place for a key, as programs do that write the same table (bpf/learned.h): its word
 * has the key's tag. named: the word's low half, of an index; NULL: the word is BUSY. The caller
 * then writes the entry and publishes the word; if it is killed before, the place stays BUSY until
 * the table is made anew. key: LEARNED_KEY words */
struct learned_home learned_take(const __u64 *key, const struct learned_secret *secret,
				 const struct learned_lines *lines, const __u32 *named);
/* Publishes what was written at a place that is BUSY. until: in units */
void learned_publish(const struct learned_home *h, enum learned_state state, __u64 until);

/* A table of struct learned_entry as memory */
struct learned_table {
	struct learned_bucket *buckets;
	__u32 n;			/* a power of two */
};

/* Returns the number of buckets with so many places: a power of two */
__u32 learned_buckets(__u32 places);
/* Whether this map, or -1, is a table of struct learned_entry */
bool learned_is_table(int map);
/* Maps all of it, to read and, if `writes`, to write; 0 or -errno */
int learned_table_open(int map, bool writes, struct learned_table *ret);
void learned_table_close(struct learned_table *t);
/* Reads the entry at a place, whose time may be over, and its word. False: there is none, or a
 * program is writing it. */
bool learned_table_read(const struct learned_table *t, __u32 place, struct learned_entry *ret,
			__u64 *ret_word);
/* Writes an entry, unless its key is there. until: in units. False: there is no room, or the key is
 * there. */
bool learned_table_put(const struct learned_table *t, const struct learned_secret *secret,
		       const struct learned_entry *entry, enum learned_state state, __u64 until);
/* Returns how many entries of a table are good now; 0 also where it cannot be read */
__u32 learned_table_used(int map);
