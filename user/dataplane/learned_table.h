/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Reads and writes, from user space, the tables of what the data path learns
 * (include/abi_learned.h). BPF programs write them at the same time. Only new tables are written
 * here, with the contents of the tables that they replace. dataplane.h includes it.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include "abi.h"

/* Returns log2 of the number of jiffies in a unit, in which learned tables store times. */
__u32 learned_shift(void);
/* Return the present time, or a number of seconds, in units of abi_learned.h. The present time may
 * be some seconds ahead (lib/jiffies.h). */
__u64 learned_now(void);
__u64 learned_units(__u32 seconds);
/* Converts units to seconds, rounded. */
__u64 learned_seconds(__u64 units);

/* The lines of a learned table in memory: mask + 1 lines of words, a power of two. Each line begins
 * `step` bytes after the line before. */
struct learned_lines {
	void *first;
	size_t step;
	__u32 mask;
};

/* A place in a table that the caller has reserved. */
struct learned_home {
	/* Word of the place; NULL: there is no free place, or the tag of the key exists already. */
	__u64 *word;
	__u32 place;			/* number of the place: bucket * LEARNED_WAYS + way */
};

/* Reserves a free place for a key of LEARNED_KEY words as the BPF programs do (bpf/learned.h), by
 * writing the key's tag to the place's word. named: the low half of the word, in an index; NULL:
 * the word is BUSY until the caller has written and published the entry. If the caller is killed
 * before, it stays BUSY until the table is replaced. */
struct learned_home learned_take(const __u64 *key, const struct learned_secret *secret,
				 const struct learned_lines *lines, const __u32 *named);
/* Publishes the entry at a reserved place. until: its timeout, in units. */
void learned_publish(const struct learned_home *h, enum learned_state state, __u64 until);

/* Reads the entry at a place and its word. The entry may have timed out. Returns false if there is
 * none, or if a program is writing it. */
static inline bool learned_place_read(const __u64 *word, const void *entry, size_t size, void *ret,
				      __u64 *ret_word)
{
	*ret_word = __atomic_load_n(word, __ATOMIC_ACQUIRE);
	if (!learned_word_tag(*ret_word) || learned_word_state(*ret_word) == LEARNED_BUSY)
		return false;
	memcpy(ret, entry, size);
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	return learned_same(*ret_word, __atomic_load_n(word, __ATOMIC_RELAXED));
}

/* A table of struct learned_entry in memory. */
struct learned_table {
	struct learned_bucket *buckets;
	__u32 n;			/* number of buckets, a power of two */
};

/* Returns the number of buckets, a power of two, that together have at least this many places. */
__u32 learned_buckets(__u32 places);
/* Returns whether the map with this fd is a learned table; false for fd -1. */
bool learned_is_table(int map);
/* Maps the table into memory for reading and, if `writes` is true, for writing. Returns 0 or
 * -errno. */
int learned_table_open(int map, bool writes, struct learned_table *ret);
void learned_table_close(struct learned_table *t);
/* Writes an entry. until: its timeout, in units of abi_learned.h. Returns false if there is no room
 * or the key exists already. */
bool learned_table_put(const struct learned_table *t, const struct learned_secret *secret,
		       const struct learned_entry *entry, enum learned_state state, __u64 until);
/* Copies the entries of the table `from` into the table `to` of another size, except those whose
 * keys are there already. Does nothing if one of these maps is no learned table. */
void learned_table_copy(int from, int to, const struct learned_secret *secret);
/* Returns how many entries of a table have not timed out; 0 if the table cannot be read. */
__u32 learned_table_used(int map);

/* ---- the table of flows ----
 * Reads and writes the maps flow_table and flow_index (include/abi_flow.h). */

/* A flow as it was read from the table. */
struct flow_entry {
	struct flow flow;
	__u64 word;			/* word of the flow's place (abi_learned.h) */
	__u32 place;
};

struct flow_table {
	struct flow_bucket *buckets;
	/* Lines of the map flow_index; NULL: the table can only be read. */
	struct learned_line *index;
	__u32 n;			/* number of buckets, a power of two */
	struct learned_secret secret;
};

/* Returns the number of buckets for this many flows: a power of two, with at least 1.5 places for
 * each flow. */
__u32 flow_table_buckets(__u32 flows);
/* Returns the number of flows for which a table with this many buckets is meant. */
__u32 flow_table_room(__u32 buckets);

/* Maps n buckets of the map with the fd `flows` for reading. Returns 0 or -errno. */
int flow_table_open(int flows, __u32 n, struct flow_table *ret);
/* Maps the maps `flows` and `index` for writing. secret: the hash secret of the programs that will
 * use them. Returns 0 or -errno. */
int flow_table_open_new(int flows, int index, __u32 n, const struct learned_secret *secret,
			struct flow_table *ret);
void flow_table_close(struct flow_table *t);
/* Reads the entry at a place: a flow or a half-open flow, which may have timed out. Returns false
 * if there is none, or if a program is writing it. */
bool flow_table_read(const struct flow_table *t, __u32 place, struct flow_entry *ret);
/* Writes a flow. until: its timeout, in units of abi_learned.h. Returns false if there is no room,
 * if the client has a flow already, or if another flow uses its local address and port. */
bool flow_table_put(const struct flow_table *t, const struct flow *flow, enum learned_state state,
		    __u64 until);
