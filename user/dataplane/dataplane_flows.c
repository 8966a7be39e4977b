/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * dataplane: sizes the maps of flows, and makes pools match a plan.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "dataplane/dataplane.h"
#include "lib/grow.h"

void dataplane_size_map(const struct dataplane *dp, struct bpf_object *obj, enum dataplane_map m,
			const char *name, __u32 wanted)
{
	__u32 have = dataplane_entries(dp, m);

	bpf_map__set_max_entries(bpf_object__find_map_by_name(obj, name),
				 have > wanted ? have : wanted);
}

/* A flow has an entry for each direction. Without flows each map has one entry. */
void dataplane_size_flows(const struct dataplane *dp, struct bpf_object *obj, const struct plan *p,
			  __u32 services)
{
	bool on = p->n_flows;

	dataplane_size_map(dp, obj, MAP_flows, "flows", on ? 2 * p->n_flows : 1);
	dataplane_size_map(dp, obj, MAP_embryos, "embryos", on ? EMBRYOS : 1);
	dataplane_size_map(dp, obj, MAP_embryo_limits, "embryo_limits", on ? EMBRYOS : 1);
	dataplane_size_map(dp, obj, MAP_pools, "pools", on ? services : 1);
	dataplane_size_map(dp, obj, MAP_flow_totals, "flow_totals", on ? services : 1);
	dataplane_size_map(dp, obj, MAP_flows_deleted, "flows_deleted", on ? services : 1);
}

/* Whether the pool has this address and port. */
static bool pool_has(const struct pool *pool, __u8 family, const struct addr *a, __be16 port)
{
	const struct addr *own = family == FAMILY_IPV4 ? pool->own4 : pool->own6;
	__u32 n = family == FAMILY_IPV4 ? pool->n4 : pool->n6;

	if (ntohs(port) < pool->first || ntohs(port) > pool->last)
		return false;
	for (__u32 i = 0; i < n; i++)
		if (!memcmp(&own[i], a, sizeof(*a)))
			return true;
	return false;
}

/* Flows of a service whose address or port its pool does not have any more. */
struct lost {
	__u32 id;
	const struct pool *pool;
	struct flow_key *keys;
	size_t n;
};

static int find_lost(void *data, const struct flow_key *key, const struct flow *flow)
{
	struct lost *l = data;
	struct flow_key *place;

	if (flow->id != l->id || pool_has(l->pool, flow->family, &flow->src, flow->sport))
		return 0;
	place = append(l->keys, l->n);
	if (!place)
		return -ENOMEM;
	*place = *key;
	return 0;
}

/* Finds all of them before it ends any: entries must not go while the map is walked. */
static int forget_flows(const struct dataplane *dp, __u32 id, const struct pool *pool)
{
	struct lost l = { .id = id, .pool = pool };
	int rc = dataplane_flows(dp, find_lost, &l);

	for (size_t i = 0; i < l.n && !rc; i++)
		dataplane_flow_delete(dp, &l.keys[i]);
	free(l.keys);
	return rc;
}

int dataplane_pools_write(const struct dataplane *dp, const struct plan *p, int *changes)
{
	static const struct pool none;		/* of a service that is gone */
	__u32 n = dataplane_entries(dp, MAP_pools);
	int rc = 0;

	for (__u32 id = 0; id < n && !rc; id++) {
		const struct pool *pool = id < p->n_pools ? &p->pools[id] : &none;
		struct pool now = { 0 };

		rc = bpf_map_lookup_elem(map_fd(dp, MAP_pools), &id, &now) ? -errno : 0;
		if (rc || !memcmp(&now, pool, sizeof(now)))
			continue;
		++*changes;
		rc = bpf_map_update_elem(map_fd(dp, MAP_pools), &id, pool, BPF_ANY) ? -errno : 0;
		if (!rc && now.last)
			rc = forget_flows(dp, id, pool);
	}
	return rc;
}

int dataplane_forget_flow_totals(const struct dataplane *dp, __u32 id)
{
	struct flow_total *zero = calloc(libbpf_num_possible_cpus(), sizeof(*zero));
	__u64 none = 0;
	int rc = zero ? 0 : -ENOMEM;

	if (!rc && id < dataplane_entries(dp, MAP_flow_totals))
		rc = bpf_map_update_elem(map_fd(dp, MAP_flow_totals), &id, zero, BPF_ANY) ?:
		     bpf_map_update_elem(map_fd(dp, MAP_flows_deleted), &id, &none, BPF_ANY);
	free(zero);
	return rc;
}
