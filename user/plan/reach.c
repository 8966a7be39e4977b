/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Implements reach.h: asks the kernel about a backend and evaluates the answer.
 */
#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <string.h>
#include "config/config_diff.h"
#include "lib/memory.h"
#include "net/netlink.h"
#include "lib/text.h"
#include "plan/reach.h"

/* Returns the role in `interfaces`; ROLE_NONE: it is not there. */
static enum link_role named_role(const struct config *c, const char *name)
{
	const struct interface_config *i = config_interface_entry(c, name);

	return i ? i->role : ROLE_NONE;
}

static bool is_wan(const struct host *h, const struct config *c, __u32 oif)
{
	const struct nl_link *link = host_link(h, oif);
	enum link_role role = link ? named_role(c, link->name) : ROLE_NONE;
	bool listens = false;

	for (size_t i = 0; i < c->n_services && link; i++)
		listens |= !strcmp(c->services[i].listen_interface, link->name);
	return role == ROLE_NONE ? listens : role == ROLE_WAN;
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

/* Returns whether the service also serves this family's clients by masquerading, for which the
 * interface needs an address of the family. */
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

bool reach_needs(const struct config *c, const struct host *h, const struct nl_link *link,
		 __u8 family)
{
	if (!is_device(c, link->name) && services_need(c, h, family))
		return true;
	/* Sites may use either family, so it is enough if the kernel forwards one. */
	if (*c->blind.device && !strcmp(c->blind.interface, link->name))
		return host_has_family(h, link->ifindex, family) &&
		       !host_forwards(link->name, family == FAMILY_IPV4);
	/* For a peer behind an Ethernet interface the FIB lookup fails without forwarding; for a
	 * peer in a tunnel it does not. */
	return config_relays(c) && family == FAMILY_IPV6 && link->ethernet &&
	       named_role(c, link->name) != ROLE_WAN;
}

/* Returns whether the service needs an address of this family on the interface to listen on. */
static bool listens_there(const struct service_config *s, __u8 family)
{
	for (size_t i = 0; i < s->n_listen_addresses; i++)
		if (s->listen_addresses[i].family == family)
			return false;
	return s->nat == NAT_DNAT && service_has_family(s, family) &&
	       (family == FAMILY_IPV4 || s->ipv6 == IPV6_DNAT);
}

const char *reach_missing_address(const struct host *h, const struct service_config *s,
				  const struct nl_link *link)
{
	bool ipv4 = host_has_family(h, link->ifindex, FAMILY_IPV4);
	bool ipv6 = host_has_family(h, link->ifindex, FAMILY_IPV6);

	if (s->nat == NAT_MASQUERADE && !s->n_listen_addresses)
		return ipv4 || (ipv6 && s->ipv6 != IPV6_OFF) ? NULL : "";
	return !ipv4 && listens_there(s, FAMILY_IPV4) ? "IPv4 " :
	       !ipv6 && listens_there(s, FAMILY_IPV6) ? "IPv6 " : NULL;
}

bool reach_needs_accept_ra(const struct host *h, const struct nl_link *link)
{
	if (host_sysctl("/proc/sys/net/ipv6/conf/%s/accept_ra", link->name) != 1)
		return false;
	for (size_t i = 0; i < h->n_addresses; i++) {
		const struct nl_address *a = &h->addresses[i];

		if (a->ifindex == link->ifindex && a->local.family == FAMILY_IPV6 &&
		    !address_is_link_local(&a->local) && a->preferred != 0xffffffff)
			return true;
	}
	return false;
}

char *reach_forwarding_fix(const struct host *h, const char *interface, bool ipv6)
{
	char name[IFNAMSIZ], *text;
	size_t size;
	FILE *out;

	if (host_forwards("all", ipv6))
		return xasprintf("sysctl -w net.ipv%d.conf.%s.forwarding=1", ipv6 ? 6 : 4,
				 SHELL_WORD(host_sysctl_name(interface, name)));
	out = text_open(&text, &size);
	fputs("sysctl -w", out);
	for (size_t i = 0; i < h->n_links && ipv6; i++)
		if (reach_needs_accept_ra(h, &h->links[i]))
			fprintf(out, " net.ipv6.conf.%s.accept_ra=2",
				SHELL_WORD(host_sysctl_name(h->links[i].name, name)));
	fputs(ipv6 ? " net.ipv6.conf.all.forwarding=1" : " net.ipv4.ip_forward=1", out);
	fclose(out);
	return text;
}

#define DEFAULT_TUNNEL 1420

static unsigned int longest_of(unsigned int mtu, __u8 family)
{
	/* with the headers of IP and UDP, and WireGuard's header and tag */
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
