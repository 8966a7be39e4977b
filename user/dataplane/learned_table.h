/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * learned_table: the data path's tables of what it learns (include/abi_learned.h), as user space
 * sees them. Programs write them while this reads. Into tables that no program uses yet, this
 * writes.
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

/* A free place for a key */
struct learned_home {
	__u32 place, tag;		/* bucket * LEARNED_WAYS + way; what its word must have */
	/* places in its bucket; 0: there is none for this key, or the key's tag is there */
	__u32 free;
};

/* Finds a free place in lines that lie `step` bytes apart; mask: their number - 1. key: LEARNED_KEY
 * words */
struct learned_home learned_place(const __u64 *key, const struct learned_secret *secret,
				  const void *lines, size_t step, __u32 mask);

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
/* Writes an entry into a table that no program uses, unless its key is there. until: in units.
 * False: there is no room, or the key is there. */
bool learned_table_put(const struct learned_table *t, const struct learned_secret *secret,
		       const struct learned_entry *entry, enum learned_state state, __u64 until);
/* Returns how many entries of a table are good now; 0 also where it cannot be read */
__u32 learned_table_used(int map);
