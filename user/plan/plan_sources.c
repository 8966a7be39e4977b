/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Plans the source address checks of ports. A lan allows the prefixes that the kernel routes to it.
 * A wan refuses the prefixes that are behind our other links, and our own addresses.
 */
#include <linux/rtnetlink.h>
#include <string.h>
#include "lib/grow.h"
#include "plan/plan_make.h"

static int by_address(const void *a, const void *b)
{
	const struct prefix *x = a, *y = b;

	return x->family - y->family ?: prefix_compare(x, y);
}

static int shorter_first(const void *a, const void *b)
{
	return (int)((const struct prefix *)a)->len - (int)((const struct prefix *)b)->len ?:
	       by_address(a, b);
}

/* Removes prefixes that are within another one. Sorting puts a prefix directly before those within
 * it, which is fast even for a full routing table. */
static void prefixes_reduce(struct prefixes *l)
{
	size_t n = 0;

	if (!l->n)
		return;
	qsort(l->list, l->n, sizeof(*l->list), by_address);
	for (size_t i = 0; i < l->n; i++)
		if (!n || !prefix_within(&l->list[i], &l->list[n - 1]))
			l->list[n++] = l->list[i];
	l->n = n;
	qsort(l->list, l->n, sizeof(*l->list), shorter_first);
}

/* Returns whether sources are checked against the route. Link-local prefixes need no check: packets
 * with such sources are never forwarded. */
static bool is_counted(const struct nl_route *r)
{
	bool link_local = r->dst.family == FAMILY_IPV6 && r->dst.len >= 10 &&
			  r->dst.addr.b[0] == 0xfe && (r->dst.addr.b[1] & 0xc0) == 0x80;

	return r->type == RTN_UNICAST && r->oif && !link_local;
}

/* Returns whether a wan refuses sources in a prefix that is routed over another link. A default
 * route refuses none; on an interface that is not configured, neither does a half or smaller part
 * of one, as VPNs add. */
static bool refuses_route(const struct plan_builder *m, const struct nl_link *oif,
			  const struct nl_route *r)
{
	const struct plan_port *port = plan_port(m->plan, plan_base(m->host, oif)->ifindex);

	if (port)
		return port->role != ROLE_WAN && r->dst.len;
	return r->dst.len >= (r->dst.family == FAMILY_IPV4 ? 8 : 16);
}

static void collect_prefixes(const struct plan_builder *m, const struct plan_port *port,
			     struct prefixes *l)
{
	const struct host *h = m->host;

	for (size_t i = 0; i < h->n_routes; i++) {
		const struct nl_route *r = &h->routes[i];
		const struct nl_link *link = host_link(h, r->oif);

		if (!is_counted(r) || !link || link->loopback)
			continue;
		if (port->role == ROLE_WAN ? refuses_route(m, link, r) : r->oif == port->ifindex)
			*append(l->list, l->n) = r->dst;
	}
	for (size_t i = 0; i < h->n_addresses && port->role == ROLE_WAN; i++)
		*append(l->list, l->n) = address_prefix(&h->addresses[i].local);
	if (m->plan->relay.on && port->role == ROLE_WAN && !plan_has_peers(m->plan, port->ifindex))
		*append(l->list, l->n) = m->plan->relay.overlay;
	prefixes_reduce(l);
}

static void add_to_trie(struct plan *p, const struct prefix *prefix, __u32 id)
{
	struct source_key *key = append(p->trie, p->n_trie);

	key->prefixlen = 32 + prefix->len + (prefix->family == FAMILY_IPV4 ? 96 : 0);
	key->id = htonl(id);
	key->addr = prefix->addr;
}

/* Says in the hints that the prefix covers addresses. */
static void add_hint(struct source_hints *h, const struct prefix *prefix)
{
	if (prefix->family == FAMILY_IPV4)
		source_hints_add4(h, ntohl(prefix->addr.w[3]), prefix->len);
	else
		source_hints_add6(h, be64toh(prefix->addr.q[0]), prefix->len);
}

static void fill_sources(struct plan *p, const struct prefixes *l, __u32 id)
{
	struct sources *s = &p->sources[id];
	size_t n4 = 0, n6 = 0, room = SOURCES_GROUP * SOURCES_GROUPS;

	source_hints_begin(&p->hints[id]);
	/* Unused places match nothing, because their address has bits outside of its mask. */
	for (size_t i = 0; i < room; i++) {
		s->ipv4[i].addr = ~0;
		memset(&s->ipv6[i].addr, 0xff, sizeof(s->ipv6[i].addr));
	}
	for (size_t i = 0; i < l->n; i++) {
		const struct prefix *prefix = &l->list[i];
		struct addr mask = prefix_mask(prefix);

		add_hint(&p->hints[id], prefix);
		if (prefix->family == FAMILY_IPV4 && n4 < room)
			s->ipv4[n4++] = (struct prefix4){ prefix->addr.w[3], mask.w[3] };
		else if (prefix->family == FAMILY_IPV6 && n6 < room)
			s->ipv6[n6++] = (struct prefix6){ prefix->addr, mask };
		else
			add_to_trie(p, prefix, id);
	}
	s->groups4 = (n4 + SOURCES_GROUP - 1) / SOURCES_GROUP;
	s->groups6 = (n6 + SOURCES_GROUP - 1) / SOURCES_GROUP;
}

void plan_sources(struct plan_builder *m)
{
	struct plan *p = m->plan;

	p->sources = xcalloc(p->n_ports + 1, sizeof(*p->sources));
	p->hints = xcalloc(p->n_ports + 1, sizeof(*p->hints));
	for (size_t i = 0; i < p->n_ports; i++) {
		struct prefixes l = { 0 };

		collect_prefixes(m, &p->ports[i], &l);
		fill_sources(p, &l, i);
		free(l.list);
	}
}
