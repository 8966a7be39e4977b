/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Implements the part of dataplane.h for rates: makes the map rates match a plan.
 */
#include <errno.h>
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

int dataplane_rates_write(const struct dataplane *dp, const struct plan *p, int *changes)
{
	static const struct rate none;
	size_t room = dataplane_entries(dp, MAP_rates), size = room * sizeof(struct rate);
	size_t peers = rate_index(dataplane_entries(dp, MAP_names), 0);
	struct rate *map = map_memory(map_fd(dp, MAP_rates), size, PROT_READ | PROT_WRITE);

	if (!map)
		return -errno;
	for (size_t i = 0; i < room; i++) {
		const struct rate *new = &none;

		if (p->service_rates && i < rate_index(p->n_services, 0))
			new = &p->service_rates[i];
		else if (p->peer_rates && i >= peers && i - peers < rate_index(p->relay.n_peers, 0))
			new = &p->peer_rates[i - peers];
		write_rate(&map[i], new, changes);
	}
	munmap(map, size);
	return 0;
}
