/* SPDX-License-Identifier: GPL-2.0-or-later */
/* For fuzz_guard.c: which values of maps a run has changed, a sum over those that are remembered, and all of them put back. */
#ifndef FUZZ_CHANGED_H
#define FUZZ_CHANGED_H

#include "fuzz_must.h"

/* Remembered maps come first; values of arrays are zero at first */
static struct host_map *const changing[] = { &answered, &indices, &replays, &handshakes, &flow_table, &flow_index, &health, &guards, &guard_keys,
					     &guard_state, &budgets, &guard_sources, &failed, &challenged, &cookies, &frags, &reasons,
					     &flow_shares, &flow_totals };
enum { DIGESTED = 6, CHANGING = sizeof(changing) / sizeof(*changing) };

static __u64 *seen_at[CHANGING];		/* a bit for each value of an array */
static struct { __u32 map, index; } touched[16384];
static __u32 n_touched;

static bool touches(struct host_map *map, __u32 index)
{
	__u32 n = map ? map->number : 0;

	if (!n || index == HOST_NEW || seen_at[n - 1][index / 64] >> index % 64 & 1)
		return true;
	seen_at[n - 1][index / 64] |= 1ULL << index % 64;
	MUST(n_touched < sizeof(touched) / sizeof(*touched));
	touched[n_touched].map = n - 1;
	touched[n_touched++].index = index;
	return true;
}

/* Called once, after the setup */
static void watch(void)
{
	for (__u32 n = 0; n < CHANGING; n++) {
		changing[n]->number = n + 1;
		seen_at[n] = host_alloc(changing[n]->max / 8 + 8);
	}
	host_watch = touches;
}

/* As after the setup */
static void put_back(void)
{
	for (__u32 i = 0; i < n_touched; i++) {
		struct host_map *m = changing[touched[i].map];

		memset(m->values + (size_t)touched[i].index * m->value_size, 0, m->value_size);
		seen_at[touched[i].map][touched[i].index / 64] = 0;
	}
	n_touched = 0;
	for (__u32 n = 0; n < CHANGING; n++)
		if (changing[n]->kind != HOST_ARRAY)
			host_map_empty(changing[n]);
}

/* The sum of zeroes is 0 */
static __u64 bytes_sum(const char *b, __u32 size)
{
	__u64 h = 0, word;

	for (__u32 i = 0; i + 8 <= size; i += 8) {
		memcpy(&word, b + i, 8);
		h += (word ^ word >> 29) * (0x9fb21c651e98df25ULL + 2 * i);
	}
	for (__u32 i = size & ~7; i < size; i++)
		h += (__u8)b[i] * (0x100000001b3ULL + 2 * i);
	return h;
}

/* A sum over everything remembered, and over the health of service `id` */
static __u64 digest(__u32 id)
{
	__u64 h = 0;

	for (__u32 i = 0; i < n_touched; i++) {
		__u32 n = touched[i].map, at = touched[i].index;
		const struct host_map *m = changing[n];

		if (n < DIGESTED || (m == &health && at / GUARD_BACKENDS_MAX == id))
			h += bytes_sum(m->values + (size_t)at * m->value_size, m->value_size) * (2 * at + 64 * n + 1);
	}
	for (__u32 n = 0; n < DIGESTED; n++)
		for (__u32 j = 0; changing[n]->kind != HOST_ARRAY && j < changing[n]->n; j++)
			h += bytes_sum(changing[n]->entries[j].value, changing[n]->value_size) * (64 * n + 3) +
			     bytes_sum(changing[n]->entries[j].key, changing[n]->key_size);
	return h;
}

#endif
