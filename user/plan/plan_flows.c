/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Plans the source addresses and ports of masquerading services, which the backend sees instead of
 * those of the clients.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_addr.h>
#include "lib/grow.h"
#include "lib/log.h"
#include "plan/plan_make.h"
#include "net/netlink.h"

bool plan_is_source(const struct host *h, const struct nl_address *a, __u8 family)
{
	const struct nl_link *link = host_link(h, a->ifindex);

	return a->local.family == family && !address_is_link_local(&a->local) && !a->tentative &&
	       link && !link->loopback;
}

/* Returns how well an address of this host suits as the source of packets to the backend; 0: not at
 * all. The kernel's choice is the best one, except for a temporary address: another one replaces
 * it within a day, and ends all flows. */
static int source_fitness(const struct plan_builder *m, const struct nl_address *a,
			  const struct address *backend, const struct nl_way *way)
{
	struct prefix on_link = { .family = a->local.family, .len = a->prefix_len,
				  .addr = a->local.addr };
	bool temporary = a->local.family == FAMILY_IPV6 && a->flags & IFA_F_TEMPORARY;

	if (!plan_is_source(m->host, a, backend->family))
		return 0;
	return 1 + 8 * (address_equal(&a->local, &way->src) && !temporary) +
	       4 * (a->ifindex == way->oif && prefix_covers(&on_link, backend)) +
	       2 * (a->ifindex == way->oif) + (!a->deprecated && !temporary);
}

/* Without `flows.source`, sets *ret to this host's best source address for packets to the backend,
 * or to NULL. */
static int own_address(const struct plan_builder *m, const struct address *backend, __u32 vrf,
		       const struct address **ret)
{
	const struct address *best = NULL;
	int best_fitness = 0, rc;
	struct nl_way way;

	*ret = NULL;
	rc = nl_way(backend, NULL, vrf, 0, &way);
	if (rc)
		return is_resource_error(rc) ? rc : 0;
	for (size_t i = 0; i < m->host->n_addresses; i++) {
		int f = source_fitness(m, &m->host->addresses[i], backend, &way);

		if (f > best_fitness && f > 2) {
			best = &m->host->addresses[i].local;
			best_fitness = f;
		}
	}
	*ret = best;
	return 0;
}

static void pool_add(struct pool *pool, const struct address *a)
{
	bool ipv4 = a->family == FAMILY_IPV4;
	__u32 *n = ipv4 ? &pool->n4 : &pool->n6;

	if (*n < POOL_ADDRS)
		(ipv4 ? pool->own4 : pool->own6)[(*n)++] = a->addr;
}

/* Returns the running source address of a service, if this host still has it, or NULL. A route that
 * is gone for a moment then ends no flows. */
static const struct address *running_address(const struct plan_builder *m, __u32 id, __u8 family)
{
	const struct pool *pool = id < m->in->n_pools ? &m->in->pools[id] : NULL;
	const struct nl_address *a;
	struct address was = { .family = family };

	if (!pool || !(family == FAMILY_IPV4 ? pool->n4 : pool->n6))
		return NULL;
	was.addr = family == FAMILY_IPV4 ? pool->own4[0] : pool->own6[0];
	a = host_address(m->host, &was);
	return a ? &a->local : NULL;
}

static int pool_find(const struct plan_builder *m, const struct service_config *s, __u32 id,
		     const struct address *backend, struct pool *pool)
{
	const struct address *own;
	char text[ADDRESS_STRLEN];
	__u32 oif;
	int rc;

	if (!backend->family || (backend->family == FAMILY_IPV4 ? pool->n4 : pool->n6))
		return 0;
	rc = own_address(m, backend, host_vrf(m->host, s), &own);
	if (rc)
		return rc;
	own = own ?: running_address(m, id, backend->family);
	if (own)
		pool_add(pool, own);
	/* Without a route to the backend, another warning says so. */
	else if (!nl_route_get(backend, host_vrf(m->host, s), &oif))
		log_warning("service %s: waiting for a source address for packets to backend %s: add an address to that interface, or write flows: { source: [ … ] }",
			    s->name, address_format(backend, text));
	return 0;
}

/* Returns the default of the limit on a service's flows: its ports times its source addresses,
 * where a family without an address counts as one. */
static __u32 pool_room(const struct pool *pool)
{
	__u32 addresses = (pool->n4 ?: 1) + (pool->n6 ?: 1);
	__u32 ports = (pool->last - pool->first + 1) * addresses;

	return ports > FLOWS ? FLOWS : ports;
}

/* Returns the default share of one source: the lesser of FLOW_SHARE and a sixteenth of the flows,
 * or of the ports of the family that has fewer. max: limit on the service's flows. */
static __u32 default_share(const struct pool *pool, __u32 max)
{
	__u32 ports = pool->last - pool->first + 1;
	__u32 least = pool->n4 && (!pool->n6 || pool->n4 < pool->n6) ? pool->n4 : pool->n6 ?: 1;
	__u32 room = ports * least < max ? ports * least : max, share = room / FLOW_SHARE_PART ?: 1;

	return share < FLOW_SHARE ? share : FLOW_SHARE;
}

int plan_pool(struct plan_builder *m, size_t service, __u32 id)
{
	const struct service_config *s = &m->config->services[service];
	struct plan *p = m->plan;
	struct pool *pool;
	__u32 max;
	int rc = 0;

	while (p->n_pools <= id)
		append(p->pools, p->n_pools);
	if (!service_has_flows(s))
		return 0;
	pool = &p->pools[id];
	pool->first = s->flows.ports.last ? s->flows.ports.first : FLOW_PORT_FIRST;
	pool->last = s->flows.ports.last ?: FLOW_PORT_LAST;
	pool->timeout = s->flows.timeout ?: FLOW_TIMEOUT;
	for (size_t i = 0; i < s->flows.n_sources; i++)
		pool_add(pool, &s->flows.sources[i]);
	for (size_t b = 0; b < backends_of(s) && !rc; b++)
		rc = pool_find(m, s, id, &plan_backend(m, service, b)->ipv4, pool) ?:
		     pool_find(m, s, id, &plan_backend(m, service, b)->ipv6, pool);
	max = s->flows.max ?: pool_room(pool);
	pool->share = s->flows.share ?: default_share(pool, max);
	p->n_flows += max;
	if (p->n_flows > FLOWS_MAX) {
		log_error("service %s: all services together would have %u flows, and the limit of an instance is %u: set a lower limit with flows: { max: … }",
			  s->name, p->n_flows, FLOWS_MAX);
		return -E2BIG;
	}
	return rc;
}

static void add_own_port(struct plan *p, const struct pool *pool, const struct address *own,
			 __be16 port)
{
	struct table_key key = { own->addr, table_word(KEY_OWN_PORT, own->family, port, 0) };

	if (ntohs(port) >= pool->first && ntohs(port) <= pool->last)
		plan_add_entry(p, &key, NULL, 0);
}

static void own_ports(struct plan_builder *m, const struct pool *pool, const struct address *own)
{
	for (size_t i = 0; i < m->n_listeners; i++)
		if (address_equal(&m->listeners[i].local, own))
			add_own_port(m->plan, pool, own, m->listeners[i].port);
	for (size_t i = 0; i < m->in->n_tunnel_ports; i++)
		add_own_port(m->plan, pool, own, m->in->tunnel_ports[i]);
}

void plan_own_ports(struct plan_builder *m)
{
	for (size_t id = 0; id < m->plan->n_pools; id++) {
		const struct pool *pool = &m->plan->pools[id];

		for (__u32 i = 0; i < pool->n4; i++)
			own_ports(m, pool, &(struct address){ pool->own4[i], FAMILY_IPV4 });
		for (__u32 i = 0; i < pool->n6; i++)
			own_ports(m, pool, &(struct address){ pool->own6[i], FAMILY_IPV6 });
	}
}

void plan_epochs(struct plan *p)
{
	__u32 longest = 0;

	for (size_t i = 0; i < p->n_pools; i++)
		longest = p->pools[i].timeout > longest ? p->pools[i].timeout : longest;
	for (size_t i = 0; i < p->n_pools; i++)
		if (p->pools[i].timeout)
			p->pools[i].epoch = longest;
}
