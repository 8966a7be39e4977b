/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Implements the part of dataplane.h for rates: sets the sizes of their maps, makes them match a
 * plan, and reads them.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <string.h>
#include "dataplane/dataplane.h"
#include "dataplane/map_info.h"

/* Without rates each map gets one entry, because no map can be empty. */
void dataplane_size_rates(const struct dataplane *dp, struct bpf_object *obj, const struct plan *p,
			  __u32 services, __u32 peers)
{
	dataplane_size_map(dp, obj, MAP_service_rates, p->service_rates ? 2 * services : 1);
	dataplane_size_map(dp, obj, MAP_peer_rates, p->peer_rates ? 2 * peers : 1);
}

/* Writes the limits that differ, while the programs use them and write the states beside them. */
static int write_rates(const struct dataplane *dp, enum dataplane_map m, const struct rate *rates,
		       size_t n, int *changes)
{
	static const struct rate none;
	size_t room = dataplane_entries(dp, m), size = room * sizeof(struct rate);
	struct rate *map = map_memory(map_fd(dp, m), size, PROT_READ | PROT_WRITE);

	if (!map)
		return -errno;
	for (size_t i = 0; i < room; i++) {
		const struct rate *new = rates && i < n ? &rates[i] : &none;

		for (int kind = 0; kind < RATE_KINDS; kind++) {
			if (map[i].each[kind] == new->each[kind] &&
			    map[i].burst[kind] == new->burst[kind])
				continue;
			++*changes;
			map[i].each[kind] = new->each[kind];
			map[i].burst[kind] = new->burst[kind];
			map[i].until[kind] = 0;
		}
	}
	munmap(map, size);
	return 0;
}

int dataplane_rates_write(const struct dataplane *dp, const struct plan *p, int *changes)
{
	return write_rates(dp, MAP_service_rates, p->service_rates, 2 * p->n_services, changes) ?:
	       write_rates(dp, MAP_peer_rates, p->peer_rates, 2 * p->relay.n_peers, changes);
}
