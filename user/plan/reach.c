/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Implements reach.h: asks the kernel about a backend and evaluates the answer.
 */
#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include "lib/resource_error.h"
#include "plan/reach.h"

static bool is_wan(const struct host *h, const struct config *c, __u32 oif)
{
	const struct nl_link *link = host_link(h, oif);

	if (!link)
		return false;
	for (size_t i = 0; i < c->n_interfaces; i++)
		if (!strcmp(c->interfaces[i].name, link->name))
			return c->interfaces[i].role == ROLE_WAN;
	for (size_t i = 0; i < c->n_services; i++)
		if (!strcmp(c->services[i].listen_interface, link->name))
			return true;
	return false;
}

bool reach_may_follow(const struct nl_rule *r)
{
	return r->action == FR_ACT_TO_TBL && !r->mark &&
	       (r->src.family || r->tos || r->iif || r->dport || r->sport);
}

static bool names_table(const struct host *h, __u8 family, __u32 table)
{
	for (size_t i = 0; i < h->n_rules; i++)
		if (h->rules[i].family == family && h->rules[i].table == table &&
		    reach_may_follow(&h->rules[i]))
			return true;
	return false;
}

static bool has_way_by_rule(const struct host *h, const struct address *to)
{
	for (size_t i = 0; i < h->n_routes; i++) {
		const struct nl_route *r = &h->routes[i];

		if (r->type == RTN_UNICAST && r->table != RT_TABLE_MAIN &&
		    prefix_covers(&r->dst, to) && names_table(h, to->family, r->table))
			return true;
	}
	return false;
}

enum reach reach_backend(const struct host *h, const struct config *c,
			 const struct service_config *s, const struct address *backend,
			 struct nl_way *ret)
{
	int rc;

	*ret = (struct nl_way){ 0 };
	if (host_address(h, backend))
		return REACH_SELF;
	rc = nl_way(backend, NULL, host_vrf(h, s), 0, ret);
	if (is_resource_error(rc))
		return REACH_UNKNOWN;
	if (!rc && (s->nat == NAT_MASQUERADE || !is_wan(h, c, ret->oif)))
		return REACH_ROUTED;
	if (has_way_by_rule(h, backend)) {
		*ret = (struct nl_way){ 0 };
		return REACH_BY_RULE;
	}
	return rc ? REACH_NONE : REACH_WAN;
}

/* Returns whether the service masquerades for clients of this family too: it needs an address of
 * the family on the interface. */
static bool masquerades_for(const struct config *c, const struct host *h,
			    const struct service_config *s, __u8 family)
{
	if (s->nat != NAT_MASQUERADE || (family == FAMILY_IPV6 && s->ipv6 == IPV6_OFF))
		return false;
	for (size_t i = 0; i < h->n_addresses; i++) {
		const struct nl_address *a = &h->addresses[i];
		const struct nl_link *link = host_link(h, a->ifindex);

		if (a->local.family != family || address_is_link_local(&a->local) || !link)
			continue;
		if (*s->listen_interface ? !strcmp(link->name, s->listen_interface) :
		    address_find(s->listen_addresses, s->n_listen_addresses, &a->local) <
		    s->n_listen_addresses)
			return true;
	}
	return false;
}

static bool services_need(const struct config *c, const struct host *h, __u8 family)
{
	for (size_t i = 0; i < c->n_services; i++) {
		const struct service_config *s = &c->services[i];

		if (service_has_family(s, family) || masquerades_for(c, h, s, family))
			return true;
	}
	return false;
}

static bool is_device(const struct config *c, const char *name)
{
	for (size_t i = 0; i < c->n_peers; i++)
		if (!strcmp(c->peers[i].device, name))
			return true;
	return config_follows(c, name);
}

static bool has_address_of(const struct host *h, const struct nl_link *link, __u8 family)
{
	for (size_t i = 0; i < h->n_addresses; i++)
		if (h->addresses[i].ifindex == link->ifindex &&
		    h->addresses[i].local.family == family &&
		    !address_is_link_local(&h->addresses[i].local))
			return true;
	return false;
}

static bool is_named_wan(const struct config *c, const char *name)
{
	for (size_t i = 0; i < c->n_interfaces; i++)
		if (!strcmp(c->interfaces[i].name, name))
			return c->interfaces[i].role == ROLE_WAN;
	return false;
}

bool reach_needs(const struct config *c, const struct host *h, const struct nl_link *link,
		 __u8 family)
{
	bool device = is_device(c, link->name);

	if (!device && services_need(c, h, family))
		return true;
	/* The sites choose the family, so one family that the kernel forwards is enough. */
	if (*c->blind.device && !strcmp(c->blind.interface, link->name))
		return has_address_of(h, link, family) &&
		       !host_forwards(link->name, family == FAMILY_IPV4);
	/* A tunnel needs no forwarding. For a peer behind an Ethernet interface, the FIB lookup
	 * needs it. */
	return config_relays(c) && family == FAMILY_IPV6 && link->ethernet &&
	       !is_named_wan(c, link->name);
}

#define DEFAULT_TUNNEL 1420		/* default MTU of a WireGuard device, in bytes */

static unsigned int longest_of(unsigned int mtu, __u8 family)
{
	/* Length of the packet with the headers of IP and UDP, and the header and tag of
	 * WireGuard. */
	unsigned int sent = DEFAULT_TUNNEL + (family == FAMILY_IPV6 ? 40 : 20) + 8 + 32;

	return sent < mtu ? sent : mtu;
}

unsigned int reach_longest(const struct host *h, const struct service_config *s, __u8 family,
			   __u32 oif)
{
	const struct nl_link *in = host_link_by_name(h, s->listen_interface);

	if (!in || in->ifindex == oif)
		return 0;
	if (s->nat == NAT_MASQUERADE && family == FAMILY_IPV6)
		return longest_of(in->mtu, FAMILY_IPV4) + 20;
	return longest_of(in->mtu, family);
}
