/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The generic table: user space writes it (user/dataplane/table.c), every packet reads it. A key has two
 * homes, buckets of two places. The store of an entry's tag publishes it, and a published entry
 * never changes, so a reader needs no lock and sees no torn entry.
 */
#pragma once

#include "maps.h"

/* A table read that is used in several places: the verifier walks it once */
#ifdef WGXDP_HOST
#define TABLE_READ INLINE
#else
#define TABLE_READ __attribute__((noinline))
#endif

/* The pointer, to be followed only after the word was read. x86 does not reorder reads; elsewhere an
 * address dependency sees to it. */
#if defined(WGXDP_HOST) || defined(__TARGET_ARCH_x86)
#define after(pointer, word) ({ asm volatile("" : : : "memory"); (pointer); })
#else
#define after(pointer, word) ({ \
	__u64 zero_ = (word); \
	asm volatile("%0 &= 0" : "+r"(zero_)); \
	(typeof(pointer))((void *)(pointer) + zero_); })
#endif

#define read_once(word) (*(const volatile typeof(word) *)&(word))

/* The place in a bucket that has this tag, or NULL */
INLINE const struct table_entry *bucket_find(const struct table_bucket *bucket, __u64 tag)
{
	if (read_once(bucket->entry[0].tag) == tag)
		return &bucket->entry[0];
	return read_once(bucket->entry[1].tag) == tag ? &bucket->entry[1] : NULL;
}

/* The entry of a key, or NULL. map: a constant; mask: its buckets - 1 */
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
	entry = after(entry, hash);
	return addr_same(&entry->key.addr, &key->addr) && entry->key.word == key->word ? entry : NULL;
}

INLINE const struct table_entry *table_find(const struct table_key *key)
{
	return table_find_in(&table, table_mask, key);
}
