/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The generic table: written by user space (user/table.c), read for every packet. A key has two homes of two places. An entry
 * is published by the store of its tag and never changed while it is published, so a reader needs no lock and sees no torn one.
 */
#ifndef WGXDP_TABLE_H
#define WGXDP_TABLE_H

#include "maps.h"

/* What follows may not be read before the tag was: an address dependency, which costs nothing and holds on arm64 too */
#ifdef WGXDP_HOST
#define after(pointer, word) (pointer)
#else
#define after(pointer, word) ({ \
	__u64 zero_ = (word); \
	asm volatile("%0 &= 0" : "+r"(zero_)); \
	(typeof(pointer))((void *)(pointer) + zero_); })
#endif

#define read_once(word) (*(const volatile typeof(word) *)&(word))

/* The verifier walks what follows once for each pointer that may be returned; so the search gives a number, and one masked
 * addition makes the pointer. */
INLINE const struct table_entry *table_find(const struct table_key *key)
{
	__u64 hash = table_hash(key), place;
	__u32 home0 = table_home(hash, 0, table_mask), home1 = table_home(hash, 1, table_mask);
	const struct table_bucket *first = bpf_map_lookup_elem(&table, &home0);
	const struct table_bucket *second = bpf_map_lookup_elem(&table, &home1);
	const struct table_entry *entry;

	if (!first || !second)
		return NULL;
	place = read_once(first->entry[0].tag) == hash ? 0 : read_once(first->entry[1].tag) == hash ? 1 :
		read_once(second->entry[0].tag) == hash ? 2 : 3;
#ifndef WGXDP_HOST
	barrier_var(place);
#endif
	if (place & 2)
		first = second;
	place = (place & 1) * sizeof(*entry);
#ifndef WGXDP_HOST
	asm volatile("%0 &= 64" : "+r"(place));
#endif
	entry = (const void *)first + place;
	hash ^= read_once(entry->tag);
	entry = after(entry, hash);
	if (hash | (entry->key.addr.q[0] ^ key->addr.q[0]) | (entry->key.addr.q[1] ^ key->addr.q[1]) |
	    (entry->key.word ^ key->word))
		return NULL;
	return entry;
}

#endif
