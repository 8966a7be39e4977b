/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Plans for hosts on which the kernel may route each packet differently. The data path then
 * remembers no next hops, and replies of a backend may arrive on several links.
 */
#include <linux/rtnetlink.h>
#include <string.h>
#include "plan/plan_make.h"

/* Returns whether the rule may route two packets to one next hop differently. A rule for a source
 * address of this host cannot, because no client has it; nor can one for a destination, protocol or
 * link, which packets to one next hop have in common. */
static bool looks_at_packets(const struct host *h, const struct nl_rule *r)
{
	bool ours = !r->src.family;

	for (size_t i = 0; i < h->n_addresses && !ours; i++)
		ours = r->src.len == (r->src.family == FAMILY_IPV4 ? 32 : 128) &&
		       prefix_covers(&r->src, &h->addresses[i].local);
	return !ours || r->tos || r->mark || r->sport || r->dport || r->unknown;
}

/* Returns whether the route's source prefix decides between it and another route: if there is
 * another next hop to the same destination, or the route is no default route. */
static bool differs_by_source(const struct host *h, const struct nl_route *r)
{
	for (size_t i = 0; i < h->n_routes; i++) {
		const struct nl_route *o = &h->routes[i];

		if (o->table == r->table && o->type == RTN_UNICAST &&
		    o->dst.family == r->dst.family && !prefix_compare(&o->dst, &r->dst) &&
		    (o->oif != r->oif || !address_equal(&o->via, &r->via)))
			return true;
	}
	return r->dst.len;
}

bool plan_asks_always(const struct host *h)
{
	for (size_t i = 0; i < h->n_rules; i++)
		if (looks_at_packets(h, &h->rules[i]))
			return true;
	for (size_t i = 0; i < h->n_routes; i++)
		if (h->routes[i].tos || (h->routes[i].from && differs_by_source(h, &h->routes[i])))
			return true;
	return false;
}

__u16 plan_locked_mtu(const struct host *h)
{
	__u32 lowest = 0;

	for (size_t i = 0; i < h->n_routes; i++) {
		__u32 mtu = h->routes[i].locked_mtu;

		if (mtu && (!lowest || mtu < lowest))
			lowest = mtu;
	}
	return lowest < 0xffff ? lowest : 0xffff;
}

/* A wan or tunnel counts only if the route to the backend itself leads there. Otherwise any host on
 * the internet, or behind the tunnel, could forge the backend's replies. */
void plan_ways(struct plan_builder *m, const struct address *backend, __u32 vrf)
{
	const struct nl_route *ways[HOST_WAYS] = { NULL };
	size_t n = m->plan->ask_always ? host_ways(m->host, backend, vrf, ways, HOST_WAYS) : 0;
	struct table_key key = { .addr = backend->addr };
	__u32 oif;

	if (!n || nl_route_get(backend, vrf, &oif))
		oif = 0;
	for (size_t i = 0; i < n; i++) {
		const struct plan_port *port = plan_port_of(m, ways[i]->oif);

		if (!port || (port->role != ROLE_LAN && !host_has_several(ways, n, ways[i], oif)))
			continue;
		key.word = table_word(KEY_WAY, backend->family, 0, port->ifindex);
		plan_add_entry(m->plan, &key, NULL, 0);
	}
}

bool plan_has_ways(const struct plan_builder *m, const struct address *backend)
{
	__u16 family_and_kind = table_word(KEY_WAY, backend->family, 0, 0);

	for (size_t i = 0; i < m->plan->n_entries; i++) {
		const struct table_key *key = &m->plan->entries[i].key;

		if ((__u16)key->word == family_and_kind &&
		    !memcmp(&key->addr, &backend->addr, sizeof(key->addr)))
			return true;
	}
	return false;
}
