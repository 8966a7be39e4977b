/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Finds and adds the ports of a plan and the entries of its table, and finds the links that carry
 * ports. The other files of plan/ call it, and it calls none of them.
 */
#include <linux/rtnetlink.h>
#include <string.h>
#include "lib/grow.h"
#include "lib/log.h"
#include "plan/plan_make.h"

/* Returns whether the MAC address is that of a virtual router (RFC 9568): 00:00:5e:00:01:VRID for
 * IPv4, 00:00:5e:00:02:VRID for IPv6. */
static bool is_virtual_router(const struct nl_link *link)
{
	static const __u8 prefix[] = { 0x00, 0x00, 0x5e, 0x00 };

	return !memcmp(link->mac, prefix, sizeof(prefix)) &&
	       (link->mac[4] == 1 || link->mac[4] == 2);
}

const struct nl_link *plan_macvlan(const struct host *h, const struct nl_link *link)
{
	return !strcmp(link->kind, "macvlan") && !link->lower_elsewhere ?
	       host_link(h, link->lower) : NULL;
}

static bool has_route(const struct host *h, __u32 oif, const struct prefix *dst)
{
	for (size_t i = 0; i < h->n_routes; i++)
		if (h->routes[i].oif == oif && h->routes[i].type == RTN_UNICAST &&
		    h->routes[i].dst.family == dst->family &&
		    !prefix_compare(&h->routes[i].dst, dst))
			return true;
	return false;
}

/* Returns whether routes lead out of this link but not of the link below it. Routes to single
 * addresses, fe80::/10 and ff00::/8 do not count, because no client is behind them. */
static bool has_way_of_its_own(const struct host *h, const struct nl_link *link)
{
	for (size_t i = 0; i < h->n_routes; i++) {
		const struct nl_route *r = &h->routes[i];
		bool ipv4 = r->dst.family == FAMILY_IPV4;
		bool narrow = !ipv4 && r->dst.len && r->dst.addr.b[0] >= 0xfe;

		if (r->oif == link->ifindex && r->type == RTN_UNICAST &&
		    r->dst.len < (ipv4 ? 32 : 128) && !narrow &&
		    !has_route(h, link->lower, &r->dst))
			return true;
	}
	return false;
}

const struct nl_link *plan_base(const struct host *h, const struct nl_link *link)
{
	const struct nl_link *lower = plan_macvlan(h, link);

	return lower && lower->ethernet && is_virtual_router(link) &&
	       (!link->master || link->master == lower->master) && !has_way_of_its_own(h, link) ?
	       lower : link;
}

const struct nl_link *plan_bond(const struct host *h, const struct nl_link *link)
{
	const struct nl_link *master = link->master ? host_link(h, link->master) : NULL;

	return master && !strcmp(master->kind, "bond") ? master : NULL;
}

const struct plan_port *plan_port(const struct plan *p, __u32 ifindex)
{
	for (size_t i = 0; i < p->n_ports; i++)
		if (p->ports[i].ifindex == ifindex)
			return &p->ports[i];
	return NULL;
}

/* Returns the port on which replies to packets out of the device `oif` arrive, or NULL. */
static const struct plan_port *plan_port_of(const struct plan_builder *m, __u32 oif)
{
	const struct nl_link *link = host_link(m->host, oif);

	return link ? plan_port(m->plan, plan_base(m->host, link)->ifindex) : NULL;
}

bool plan_refused(const struct plan_input *in, __u32 ifindex)
{
	for (size_t i = 0; i < in->n_refused; i++)
		if (in->refused[i] == ifindex)
			return true;
	return false;
}

struct plan_port *plan_append_port(struct plan_builder *m, const struct nl_link *link,
				   enum link_role role, const struct interface_config *said)
{
	struct plan_port *port = append(m->plan->ports, m->plan->n_ports);

	port->ifindex = link->ifindex;
	memcpy(port->name, link->name, sizeof(port->name));
	port->role = role;
	port->l3 = !link->ethernet;
	port->mode = said ? said->mode : MODE_AUTO;
	port->shared = said && said->shared;
	port->by_qdisc = said && said->transmit == TRANSMIT_TC;
	return port;
}

void plan_add_port(struct plan_builder *m, const char *name, enum link_role role,
		   const struct interface_config *said)
{
	const struct nl_link *link = host_link_by_name(m->host, name);
	struct plan_port *port;

	if (!link || link->loopback)
		return;
	link = plan_base(m->host, link);
	if (plan_refused(m->in, link->ifindex))
		log_waiting("interface %s: waiting, because another program holds it", link->name);
	else if (!plan_port(m->plan, link->ifindex)) {	/* `interfaces` may have made it a port */
		port = plan_append_port(m, link, role, said);
		m->plan->l3 |= port->l3;
		port->sources = m->plan->n_ports - 1;
	}
}

/* Adds the links of all next hops of the route to the backend as ports with the role lan. */
static void add_several(struct plan_builder *m, const struct address *backend, __u32 vrf, __u32 oif)
{
	const struct nl_route *ways[HOST_WAYS] = { NULL };
	size_t n = m->host->several ? host_ways(m->host, backend, vrf, ways, HOST_WAYS) : 0;
	const struct plan_port *first = plan_port_of(m, oif);
	char text[ADDRESS_STRLEN];

	for (size_t i = 0; i < n; i++) {
		const struct nl_link *link = host_link(m->host, ways[i]->oif);

		/* Also if a rule selects the table with the route. */
		m->plan->ask_always |= ways[i]->several;
		if (!host_has_several(ways, n, ways[i], oif) || !link || link->loopback ||
		    plan_port_of(m, link->ifindex))
			continue;
		if (first && first->role == ROLE_WAN)
			log_warning("backend %s: one of its routes leaves by %s, where replies are not translated: add that interface to `interfaces`",
				    address_format(backend, text), link->name);
		else
			plan_add_port(m, link->name, ROLE_LAN, NULL);
	}
}

int plan_backend_port(struct plan_builder *m, const struct address *backend, __u32 vrf)
{
	const struct nl_link *link;
	__u32 oif;
	int rc = nl_route_get(backend, vrf, &oif);

	if (rc)
		return is_resource_error(rc) ? rc : 0;
	link = host_link(m->host, oif);
	if (link)
		plan_add_port(m, link->name, ROLE_LAN, NULL);
	add_several(m, backend, vrf, oif);
	return 0;
}

struct table_entry *plan_entry(struct table_entry *list, size_t n, const struct table_key *key)
{
	for (size_t i = 0; i < n; i++)
		if (!memcmp(&list[i].key, key, sizeof(*key)))
			return &list[i];
	return NULL;
}

void plan_add_entry(struct plan *p, const struct table_key *key, const void *value, size_t size)
{
	struct table_entry *e;

	if (plan_entry(p->entries, p->n_entries, key))
		return;			/* the first listener's entry serves the replies */
	e = append(p->entries, p->n_entries);
	e->key = *key;
	if (size)
		memcpy(e->value, value, size);
}

__u32 host_vrf(const struct host *h, const struct service_config *s)
{
	const struct nl_link *listens = *s->listen_interface ?
					host_link_by_name(h, s->listen_interface) : NULL;
	const struct nl_address *a = s->n_listen_addresses ?
				     host_address(h, &s->listen_addresses[0]) : NULL;

	return host_link_vrf(h, listens ?: a ? host_link(h, a->ifindex) : NULL);
}

bool plan_has_peers(const struct plan *p, __u32 ifindex)
{
	for (size_t i = 0; i < p->relay.n_own; i++)
		if (p->relay.own[i].ifindex == ifindex)
			return true;
	return false;
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

/* ---- hosts on which the kernel may route each packet differently ----
 * The data path then remembers no next hops, and replies of a backend may arrive on several
 * links. */

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
