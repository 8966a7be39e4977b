/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Implements the part of dataplane.h for rates: makes the map rates match a plan.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <string.h>
#include "dataplane/dataplane.h"
#include "dataplane/map_info.h"

/* Writes a limit that differs, while the programs use it and write the state beside it. */
static void write_rate(struct rate *place, const struct rate *new, int *changes)
{
	for (int kind = 0; kind < RATE_KINDS; kind++) {
		if (place->each[kind] == new->each[kind] && place->burst[kind] == new->burst[kind])
			continue;
		++*changes;
		place->each[kind] = new->each[kind];
		place->burst[kind] = new->burst[kind];
		place->until[kind] = 0;
	}
}

/* Returns the limits for an index of the map, from the plan. peers, numbered: where these parts of
 * the map begin. */
static const struct rate *wanted(const struct plan *p, size_t peers, size_t numbered, size_t i)
{
	static const struct rate none;

	if (p->service_rates && i < rate_index(p->n_services, 0))
		return &p->service_rates[i];
	if (p->peer_rates && i >= peers && i - peers < rate_index(p->relay.n_peers, 0))
		return &p->peer_rates[i - peers];
	if (p->numbered_rates && i >= numbered && i - numbered < rate_index(p->n_numbered, 0))
		return &p->numbered_rates[i - numbered];
	return &none;
}

int dataplane_rates_write(const struct dataplane *dp, const struct plan *p, int *changes)
{
	size_t room = dataplane_entries(dp, MAP_rates), size = room * sizeof(struct rate);
	struct rate *map = map_memory(map_fd(dp, MAP_rates), size, PROT_READ | PROT_WRITE);
	size_t peers = rate_index(dataplane_entries(dp, MAP_names), 0);
	size_t numbered = peers + rate_index(dataplane_entries(dp, MAP_peers), 0);

	if (!map)
		return -errno;
	for (size_t i = 0; i < room; i++)
		write_rate(&map[i], wanted(p, peers, numbered, i), changes);
	munmap(map, size);
	return 0;
}
