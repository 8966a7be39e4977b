/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The worlds of fuzz_pipeline.c: a firewall, masquerading services, guarded ones, a blind relay, and a relay beside each. Each is set up once;
 * an input gets one of them as it was at first, for which only what was touched is put back.
 */
#ifndef FUZZ_WORLDS_H
#define FUZZ_WORLDS_H

#include "fuzz_must.h"
#include "host/host_blind.h"
#include "host/host_guarded.h"
#include "host/host_relay.h"
#include "fuzz_traits.h"

enum { FIREWALL, MASQUERADES, GUARDS, BLIND, WORLDS };
enum { V0 = 60, Q0, B0 };			/* a VLAN on W0, a VLAN in two tags, and a port of a bridge, which is L0 */
#define VLAN_PLAIN 7
#define VLAN_OUTER 9
#define INDICES 2				/* buckets of sessions and of hints: few, so that they fill up */

static struct world {
	struct host_map maps[MAPS_MAX];
	char *first[MAPS_MAX];			/* first contents of the arrays */
	__u64 *touched[MAPS_MAX];		/* a bit for each value */
	struct host_route routes[HOST_ROUTES];
	__u32 n_routes;
	struct table_entry entries[WORLD_ENTRIES];
	size_t n_entries;
	struct table table;
	__u32 uniform_slots, gateway_slots;
} worlds[WORLDS];

static struct world *present;
static struct { __u32 map, index; } touched[65536];
static __u32 n_touched, lookups_until_failure;	/* 0: none fails */
static bool packet_runs, lookup_failed;

/* ---- restored values ---- */

static bool touches(struct host_map *map, __u32 index)
{
	__u32 n;

	if (packet_runs && lookups_until_failure && !--lookups_until_failure) {
		lookup_failed = true;
		return false;
	}
	if (!map)
		return true;
	n = map->number;
	if (index == HOST_NEW || map_traits[n] & (VAST | PASSING) || present->touched[n][index / 64] >> index % 64 & 1)
		return true;
	present->touched[n][index / 64] |= 1ULL << index % 64;
	MUST(n_touched < sizeof(touched) / sizeof(*touched));
	touched[n_touched].map = n;
	touched[n_touched++].index = index;
	return true;
}

static void world_restore(void)
{
	for (__u32 i = 0; i < n_touched; i++) {
		__u32 n = touched[i].map, index = touched[i].index, size = every_map[n]->value_size;

		memcpy(every_map[n]->values + (size_t)index * size, present->first[n] + (size_t)index * size, size);
		present->touched[n][index / 64] = 0;
	}
	n_touched = 0;
	for (__u32 n = 0; n < MAPS; n++)
		if (every_map[n]->kind != HOST_ARRAY && !(map_traits[n] & VAST))
			host_map_empty(every_map[n]);
	memcpy(host_routes, present->routes, host_n_routes * sizeof(*host_routes));
}

static UNWATCHED __u64 bytes_sum(const char *b, __u32 size)
{
	__u64 h = size;

	for (__u32 i = 0; i + 8 <= size; i += 8)
		h = (h ^ *(const __u64 *)(b + i)) * 0x9fb21c651e98df25ULL;
	for (__u32 i = size & ~7; i < size; i++)
		h = (h ^ (__u8)b[i]) * 0x100000001b3;
	return h;
}

/* A sum over all STATE */
static __u64 world_digest(void)
{
	__u64 h = 0;

	for (__u32 i = 0; i < n_touched; i++) {
		__u32 n = touched[i].map, size = every_map[n]->value_size;
		size_t at = (size_t)touched[i].index * size;

		if (map_traits[n] & STATE)
			h += (bytes_sum(every_map[n]->values + at, size) - bytes_sum(present->first[n] + at, size)) * (2 * at + 2 * n + 1);
	}
	for (__u32 n = 0; n < MAPS; n++)
		for (__u32 i = 0; map_traits[n] & STATE && every_map[n]->kind != HOST_ARRAY && i < every_map[n]->n; i++)
			h += bytes_sum(every_map[n]->entries[i].key, every_map[n]->key_size) ^
			     bytes_sum(every_map[n]->entries[i].value, every_map[n]->value_size);
	return h;
}

/* Keeps the present maps as this world; the next world starts with new maps */
static void world_keep(struct world *w)
{
	__u32 zero = 0;

	for (__u32 n = 0; n < MAPS; n++) {
		struct host_map *m = every_map[n];
		size_t size = (size_t)m->max * m->value_size;

		if (m->kind != HOST_ARRAY && !m->entries)
			m->entries = host_alloc((size_t)m->max * sizeof(*m->entries));
		if (m->kind == HOST_ARRAY)
			bpf_map_lookup_elem(m, &zero);
		if (m->kind == HOST_ARRAY && !(map_traits[n] & (VAST | PASSING))) {
			w->first[n] = memcpy(host_alloc(size), m->values, size);
			w->touched[n] = host_alloc(m->max / 8 + 8);
		}
		m->number = n;
		w->maps[n] = *m;
		m->entries = NULL;
		m->values = NULL;
		m->n = 0;
	}
	memcpy(w->routes, host_routes, sizeof(w->routes));
	memcpy(w->entries, world_entries, sizeof(w->entries));
	w->n_routes = host_n_routes;
	w->n_entries = world_n_entries;
	w->table = world_table;
	w->uniform_slots = uniform_slots;
	w->gateway_slots = gateway_slots;
}

/* relays: the programs know the relay too */
static void world_enter(struct world *w, bool relays)
{
	static const __u32 knows[WORLDS] = { [MASQUERADES] = WAY_FLOWS, [GUARDS] = WAY_GUARDS, [BLIND] = WAY_BLIND };

	world_knows(knows[w - worlds] | (relays ? WAY_RELAY : 0));
	if (present == w)
		return;
	for (__u32 n = 0; n < MAPS; n++) {
		if (present)
			present->maps[n] = *every_map[n];
		*every_map[n] = w->maps[n];
	}
	present = w;
	memcpy(world_entries, w->entries, sizeof(w->entries));
	memcpy(host_routes, w->routes, sizeof(w->routes));
	host_n_routes = w->n_routes;
	world_n_entries = w->n_entries;
	world_table = w->table;
	uniform_slots = w->uniform_slots;
	gateway_slots = w->gateway_slots;
}

static bool is_bare(__u32 link)
{
	const struct link *l = link_find(link);

	return l && l->flags & LINK_L3;
}

static void put_le32(__u8 *to, __u32 x)
{
	x = htole32(x);
	memcpy(to, &x, sizeof(x));
}

#endif
