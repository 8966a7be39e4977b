/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Traits of the maps of fuzz_pipeline.c: what a packet may change only if it is sent, and what the
 * target need not put back after an input.
 */
#ifndef FUZZ_TRAITS_H
#define FUZZ_TRAITS_H

#include "fuzz_must.h"
#include "host/host_run.h"

enum map_trait {
	STATE = 1,		/* a packet that goes up must not change it */
	VAST = 2,		/* packets only read it */
	PASSING = 4,		/* it means nothing after a packet */
	LASTING = 8,		/* a map of each CPU that is not PASSING */
};

/* Other maps have no trait, or, if each CPU has its own, are PASSING */
static const struct { const struct host_map *map; __u8 traits; } traits[] = {
	{ &choices, STATE }, { &frags, STATE }, { &allowed, STATE }, { &flow_table, STATE }, { &flow_index, STATE }, { &flow_shares, STATE },
	{ &guard_state, STATE }, { &guard_sources, STATE }, { &answered, STATE }, { &indices, STATE }, { &replays, STATE },
	{ &handshakes, STATE }, { &challenged, STATE }, { &health, STATE }, { &blind_sites, STATE }, { &sessions, STATE }, { &hints, STATE },
	{ &blind_pairs, STATE }, { &blind_waiting, STATE }, { &blind_lock, PASSING },
	{ &source_trie, VAST }, { &uniform, VAST }, { &subnets, VAST }, { &routes, VAST }, { &policy, VAST },
	{ &nexthops, LASTING }, { &totals, LASTING }, { &reasons, LASTING }, { &peer_totals, LASTING }, { &flow_totals, LASTING },
	{ &blind_totals, LASTING }, { &budgets, LASTING },
};

#define MAPS_MAX 96
#define every_map __start_host_maps
#define MAPS (size_t)(__stop_host_maps - __start_host_maps)
static __u8 map_traits[MAPS_MAX];

static void traits_begin(void)
{
	MUST(MAPS <= MAPS_MAX);
	for (EACH_HOST_MAP(m)) {
		__u8 *to = &map_traits[m - every_map];

		for (EACH_CPU_MAP(mine))
			*to = *mine == *m ? PASSING : *to;
		for (size_t i = 0; i < sizeof(traits) / sizeof(*traits); i++)
			*to = traits[i].map == *m ? traits[i].traits : *to;
	}
}

#endif
