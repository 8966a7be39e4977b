/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Plans the rates of services and peers: converts bits and packets per second to the units of
 * include/abi_rate.h.
 */
#include <errno.h>
#include <stdlib.h>
#include "config/config_rates.h"
#include "lib/jiffies.h"
#include "plan/plan_make.h"

/* Returns the cost of one unit, if `n` units per second are allowed; 0: no limit. */
static __u64 cost(__u64 n)
{
	return n ? ((__u64)jiffies_a_second() << (RATE_TICK + RATE_FRACTION)) / n : 0;
}

static struct rate rate_of(const struct rate_limits *l)
{
	__u64 burst = (RATE_BURST_MS * jiffies_a_second() + 999) / 1000 << RATE_TICK;

	return (struct rate){ .each = { 8 * cost(l->bits), cost(l->packets) },
			      .burst = { l->bits ? burst : 0, l->packets ? burst : 0 } };
}

static int set_rates(struct rate **list, size_t n, __u32 id, const struct rate_config *r)
{
	if (!*list)
		*list = calloc(2 * n, sizeof(**list));
	if (!*list)
		return -ENOMEM;
	(*list)[rate_index(id, DIRECTION_ORIGINAL)] = rate_of(&r->from);
	(*list)[rate_index(id, DIRECTION_REPLY)] = rate_of(&r->to);
	return 0;
}

int plan_rates(struct plan_builder *m)
{
	const struct config *c = m->config;
	struct plan *p = m->plan;
	int rc = 0;

	for (__u32 id = 0; id < p->n_services && c->n_rates && !rc; id++) {
		const char *name = p->services[id].name;
		const struct rate_config *r = *name ? config_rate(c, name, "") : NULL;

		rc = r ? set_rates(&p->service_rates, p->n_services, id, r) : 0;
	}
	for (__u32 id = 1; id < p->relay.n_peers && c->n_rates && !rc; id++) {
		const char *name = p->relay.peers[id].name.name;
		const struct rate_config *r = *name ? config_rate(c, "", name) : NULL;

		rc = r ? set_rates(&p->peer_rates, p->relay.n_peers, id, r) : 0;
	}
	return rc;
}
