/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The generic table: written by user space (user/table.c), read for every packet. A key has two homes of two places. An entry
 * is published by the store of its tag and never changed while it is published, so a reader needs no lock and sees no torn one.
 */
#ifndef WGXDP_TABLE_H
#define WGXDP_TABLE_H

#include "maps.h"

/* What follows may not be read before the tag was. x86 does not reorder reads; elsewhere an address dependency sees to it. */
#if defined(WGXDP_HOST) || defined(__TARGET_ARCH_x86)
#define after(pointer, word) ({ asm volatile("" : : : "memory"); (pointer); })
#else
#define after(pointer, word) ({ \
	__u64 zero_ = (word); \
	asm volatile("%0 &= 0" : "+r"(zero_)); \
	(typeof(pointer))((void *)(pointer) + zero_); })
#endif

#define read_once(word) (*(const volatile typeof(word) *)&(word))

/* The place in a bucket that has this tag. By branches, which cost the verifier a walk for each place but the processor, which
 * predicts them, no wait. */
INLINE const struct table_entry *bucket_find(const struct table_bucket *bucket, __u64 hash)
{
	if (read_once(bucket->entry[0].tag) == hash)
		return &bucket->entry[0];
	return read_once(bucket->entry[1].tag) == hash ? &bucket->entry[1] : NULL;
}

/* map: a constant, as mask is: its buckets - 1 */
INLINE const struct table_entry *table_find_in(void *map, __u32 mask, const struct table_key *key)
{
	__u64 hash = table_hash(key), differs;
	__u32 home = table_home(hash, 0, mask);
	const struct table_bucket *bucket = bpf_map_lookup_elem(map, &home);
	const struct table_entry *entry;

	if (!bucket)
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
	differs = (entry->key.addr.q[0] ^ key->addr.q[0]) | (entry->key.addr.q[1] ^ key->addr.q[1]) |
		  (entry->key.word ^ key->word);
	return differs ? NULL : entry;
}

INLINE const struct table_entry *table_find(const struct table_key *key)
{
	return table_find_in(&table, table_mask, key);
}

#endif
