/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The maps of the programs as plain C tables, for tests; maps.h includes this header. The tables
 * model a single CPU. Each value of a hash is a separate allocation, so that ASan reports a read
 * beyond its end. Searches are linear, because tests have few entries.
 */
#pragma once

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "pkt.h"

enum host_map_kind {
	HOST_ARRAY,
	HOST_HASH,
	HOST_TRIE,			/* keys start with __u32 prefixlen */
};
#define HOST_KIND_ARRAY HOST_ARRAY
#define HOST_KIND_PERCPU_ARRAY HOST_ARRAY
#define HOST_KIND_HASH HOST_HASH
#define HOST_KIND_PERCPU_HASH HOST_HASH
#define HOST_KIND_LPM_TRIE HOST_TRIE

struct host_entry {
	void *key, *value;
	__u32 sum;	/* checksum of the key: only keys with the same checksum are compared */
};

struct host_map {
	const char *name;
	enum host_map_kind kind;
	__u32 key_size, value_size, max;
	/* Number of entries in use. For an array it is max, or 0 before the first use. */
	__u32 n;
	__u32 number;			/* number of the map, for host_watch() */
	struct host_entry *entries;
	char *values;			/* values of an array; NULL for other types */
};

#define HOST_MAP(name_, type_, key_, value_, n_) \
	HOST_SHARED struct host_map name_ = { \
		.name = #name_, .kind = HOST_KIND_##type_, \
		.key_size = sizeof(key_), .value_size = sizeof(value_), .max = n_, \
	}
#define MAP(name_, type_, key_, value_, n_, flags_) HOST_MAP(name_, type_, key_, value_, n_)

/* Hook for tests. The hook is called before a value of an array is used, before an entry is created
 * (HOST_NEW), and before a helper accesses the packet (map is NULL). If it returns false, that
 * operation fails. */
#define HOST_NEW (~0U)
HOST_SHARED bool (*host_watch)(struct host_map *map, __u32 index);

/* ---- keys: a checksum is compared before the bytes, because ASan's memcmp() is slow ---- */

static inline __u32 host_key_sum(const void *key, __u32 size)
{
	__u32 sum = 0, word, i;

	for (i = 0; i + sizeof(word) <= size; i += sizeof(word)) {
		memcpy(&word, (const char *)key + i, sizeof(word));
		sum = sum * 31 + word;
	}
	for (; i < size; i++)
		sum = sum * 31 + ((const __u8 *)key)[i];
	return sum;
}

static inline __u32 host_bits_equal(const __u8 *a, const __u8 *b, __u32 max)
{
	__u32 n = 0;

	while (n < max && !((a[n / 8] ^ b[n / 8]) >> (7 - n % 8) & 1))
		n++;
	return n;
}

static inline bool host_trie_covers(const void *entry, const void *key)
{
	__u32 len, wanted;

	memcpy(&len, entry, sizeof(len));
	memcpy(&wanted, key, sizeof(wanted));
	return len <= wanted &&
	       host_bits_equal((const __u8 *)entry + 4, (const __u8 *)key + 4, len) == len;
}

/* ---- maps ---- */

/* Returns zeroed memory, aligned for all values of maps. */
INLINE void *host_alloc(size_t size)
{
	void *m;

	if (posix_memalign(&m, 128, size ?: 1))
		abort();
	return memset(m, 0, size);
}

/* Removes all entries of a hash. */
static inline void host_map_empty(struct host_map *map)
{
	for (__u32 i = 0; map->entries && i < map->n; i++) {
		free(map->entries[i].key);
		free(map->entries[i].value);
		map->entries[i] = (struct host_entry){ 0 };
	}
	map->n = 0;
}

/* Empties the map, and sets its size to `max` entries. */
static inline void host_map_reset(struct host_map *map, __u32 max)
{
	if (map->entries)
		host_map_empty(map);
	free(map->entries);
	free(map->values);
	map->entries = NULL;
	map->values = NULL;
	map->n = 0;
	map->max = max;
}

static inline struct host_entry *host_map_find(struct host_map *map, const void *key, bool exact)
{
	__u32 sum = host_key_sum(key, map->key_size);
	struct host_entry *best = NULL;

	for (__u32 i = 0; i < map->n; i++) {
		struct host_entry *e = &map->entries[i];

		if (map->kind == HOST_TRIE && !exact) {
			if (host_trie_covers(e->key, key) &&
			    (!best || *(__u32 *)e->key > *(__u32 *)best->key))
				best = e;
		} else if (e->sum == sum && !memcmp(e->key, key, map->key_size)) {
			return e;
		}
	}
	return best;
}

/* Returns the values of an array, or the value of a data section. */
static inline void *host_section(struct host_map *map)
{
	if (!map->values) {
		map->values = host_alloc((size_t)map->max * map->value_size);
		map->n = map->max;
	}
	return map->values;
}

static inline void *host_array_at(struct host_map *map, const void *key)
{
	__u32 index;

	memcpy(&index, key, sizeof(index));
	host_section(map);
	if (index >= map->max || (host_watch && !host_watch(map, index)))
		return NULL;
	return map->values + (size_t)index * map->value_size;
}

static inline void *bpf_map_lookup_elem(struct host_map *map, const void *key)
{
	struct host_entry *e;

	asm("" : "+r"(key));		/* otherwise gcc warns about keys of other map types */
	if (map->kind == HOST_ARRAY)
		return host_array_at(map, key);
	e = host_map_find(map, key, false);
	if (!e)
		return NULL;
	return e->value;
}

/* Returns a place for a new key, or NULL if the map is full. */
static inline struct host_entry *host_map_place(struct host_map *map)
{
	struct host_entry *e;

	if (!map->entries)
		map->entries = host_alloc((size_t)map->max * sizeof(*map->entries));
	if (map->n == map->max || (host_watch && !host_watch(map, HOST_NEW)))
		return NULL;
	e = &map->entries[map->n++];
	e->key = host_alloc(map->key_size);
	e->value = host_alloc(map->value_size);
	return e;
}

static inline long bpf_map_update_elem(struct host_map *map, const void *key, const void *value,
				       __u64 flags)
{
	struct host_entry *e;
	void *to;

	if (map->kind == HOST_ARRAY) {
		to = host_array_at(map, key);
		if (!to || flags == BPF_NOEXIST)
			return to ? -EEXIST : -E2BIG;
		memcpy(to, value, map->value_size);
		return 0;
	}
	e = host_map_find(map, key, true);
	if (e ? flags == BPF_NOEXIST : flags == BPF_EXIST)
		return e ? -EEXIST : -ENOENT;
	e = e ?: host_map_place(map);
	if (!e)
		return -E2BIG;
	memcpy(e->key, key, map->key_size);
	e->sum = host_key_sum(key, map->key_size);
	memcpy(e->value, value, map->value_size);
	return 0;
}

static inline long bpf_map_delete_elem(struct host_map *map, const void *key)
{
	struct host_entry *e = host_map_find(map, key, true);

	if (!e)
		return -ENOENT;
	free(e->key);
	free(e->value);
	*e = map->entries[--map->n];
	map->entries[map->n] = (struct host_entry){ 0 };
	return 0;
}

/* Defined in host/host_steps.h; extensions.h needs the declarations. */
INLINE int host_read(void *ctx, __u32 off, void *to, __u32 n);
INLINE int host_write(void *ctx, __u32 off, const void *from, __u32 n);
