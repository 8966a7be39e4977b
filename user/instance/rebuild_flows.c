/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * From the maps back to a configuration: as whom a masquerading service's clients are shown.
 */
#include <errno.h>
#include "lib/grow.h"
#include "instance/running.h"

static int add_source(struct flows_config *f, const struct addr *own, __u8 family)
{
	struct address *place = append(f->sources, f->n_sources);

	if (place)
		*place = (struct address){ *own, family };
	return place ? 0 : -ENOMEM;
}

/* Of all masquerading services; which of them asked for how much the map does not tell */
static __u32 share_of_room(const struct dataplane *dp, __u32 id)
{
	__u32 room = dataplane_entries(dp, MAP_flows) / 2, sharers = 0, before = 0;
	struct service_name *names = NULL;
	size_t n = 0;

	if (dataplane_names(dp, &names, &n))
		return 0;
	for (__u32 i = 0; i < n; i++) {
		struct pool pool;
		bool shares = *names[i].name && dataplane_pool(dp, i, &pool);

		sharers += shares;
		before += shares && i < id;
	}
	free(names);
	return sharers ? room / sharers + (before < room % sharers) : 0;
}

int config_rebuild_flows(const struct dataplane *dp, __u32 id, struct service_config *s)
{
	struct flows_config *f = &s->flows;
	struct pool pool;
	int rc = 0;

	if (!dataplane_pool(dp, id, &pool))
		return 0;
	f->max = share_of_room(dp, id);
	f->timeout = pool.timeout;
	f->ports = (struct port_range){ pool.first, pool.last };
	for (__u32 i = 0; i < pool.n4 && !rc; i++)
		rc = add_source(f, &pool.own4[i], FAMILY_IPV4);
	for (__u32 i = 0; i < pool.n6 && !rc; i++)
		rc = add_source(f, &pool.own6[i], FAMILY_IPV6);
	return rc;
}
