/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Lookups in the generic table: services, replies, VLANs, /64 routes. User space writes it
 * (user/dataplane/table.c), and every packet reads it. Steps that look something up include this
 * header.
 *
 * A key has two possible buckets of two places each. User space publishes an entry by writing its
 * tag, and never changes a published entry. So a reader needs no lock and sees no half-written
 * entry.
 */
#pragma once

#include "maps.h"

/* For a function that reads the table and has several callers: a global function is verified only
 * once. */
#ifdef WGXDP_HOST
#define TABLE_READ INLINE
#else
#define TABLE_READ __attribute__((noinline))
#endif

/* Returns a pointer through which the CPU reads only after it has read `word`. x86 never reorders
 * reads; on other CPUs the pointer is computed from `word`. */
#if defined(WGXDP_HOST) || defined(__TARGET_ARCH_x86)
#define follow_after(pointer, word) ({ asm volatile("" : : : "memory"); (pointer); })
#else
#define follow_after(pointer, word) ({ \
	__u64 zero_ = (word); \
	asm volatile("%0 &= 0" : "+r"(zero_)); \
	(typeof(pointer))((void *)(pointer) + zero_); })
#endif

#define read_once(word) (*(const volatile typeof(word) *)&(word))

/* Returns the entry with this tag in the bucket, or NULL. */
INLINE const struct table_entry *bucket_find(const struct table_bucket *bucket, __u64 tag)
{
	if (read_once(bucket->entry[0].tag) == tag)
		return &bucket->entry[0];
	return read_once(bucket->entry[1].tag) == tag ? &bucket->entry[1] : NULL;
}

/* Returns the entry of the key, or NULL. map: a constant, for the verifier. mask: buckets of the
 * table, minus 1. */
INLINE const struct table_entry *table_find_in(void *map, __u32 mask, const struct table_key *key)
{
	__u64 hash = table_hash(key);
	__u32 home = table_home(hash, 0, mask);
	const struct table_bucket *bucket = bpf_map_lookup_elem(map, &home);
	const struct table_entry *entry;

	if (unlikely(!bucket))
		return NULL;
	entry = bucket_find(bucket, hash);
	if (!entry) {
		home = table_home(hash, 1, mask);
		bucket = bpf_map_lookup_elem(map, &home);
		entry = bucket ? bucket_find(bucket, hash) : NULL;
	}
	if (!entry)
		return NULL;
	entry = follow_after(entry, read_once(entry->tag));
	return addr_same(&entry->key.addr, &key->addr) && entry->key.word == key->word ?
		       entry : NULL;
}

INLINE const struct table_entry *table_find(const struct table_key *key)
{
	return table_find_in(&table, table_mask, key);
}
