/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * find: the generic table, which user space writes (user/dataplane/table.c) and every packet reads:
 * services, replies, VLANs, /64 routes. Lookup steps include it.
 *
 * A key has two homes, buckets of two places each. Storing an entry's tag publishes it, and a
 * published entry never changes. So a reader needs no lock and sees no torn entry.
 */
#pragma once

#include "maps.h"

/* For a table read with several callers: the verifier walks it once */
#ifdef WGXDP_HOST
#define TABLE_READ INLINE
#else
#define TABLE_READ __attribute__((noinline))
#endif

/* Returns the pointer, and makes the CPU follow it only after it has read the word. x86 does not
 * reorder reads; other CPUs obey an address dependency. */
#if defined(WGXDP_HOST) || defined(__TARGET_ARCH_x86)
#define follow_after(pointer, word) ({ asm volatile("" : : : "memory"); (pointer); })
#else
#define follow_after(pointer, word) ({ \
	__u64 zero_ = (word); \
	asm volatile("%0 &= 0" : "+r"(zero_)); \
	(typeof(pointer))((void *)(pointer) + zero_); })
#endif

#define read_once(word) (*(const volatile typeof(word) *)&(word))

/* Returns the place with this tag in the bucket, or NULL */
INLINE const struct table_entry *bucket_find(const struct table_bucket *bucket, __u64 tag)
{
	if (read_once(bucket->entry[0].tag) == tag)
		return &bucket->entry[0];
	return read_once(bucket->entry[1].tag) == tag ? &bucket->entry[1] : NULL;
}

/* Returns the key's entry, or NULL. map: a constant; mask: its buckets - 1 */
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
