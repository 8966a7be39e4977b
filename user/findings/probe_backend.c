/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Backends: whether their names have addresses, and whether packets reach these.
 */
#include <arpa/inet.h>
#include <linux/fib_rules.h>
#include <linux/neighbour.h>
#include <stdio.h>
#include <string.h>
#include "findings/probes.h"
#include "lib/text.h"

void probe_unresolved(struct facts *f, struct findings *to)
{
	EACH_BACKEND(f, b)
		if (!b->address.family)
			finding_add(to, &b->about, NULL,
				    "correct the name, or see /etc/resolv.conf",
				    "has no IPv%d address", b->family == FAMILY_IPV4 ? 4 : 6);
}

static bool is_broadcast(const struct host *h, const struct address *a)
{
	for (size_t i = 0; i < h->n_addresses; i++) {
		const struct nl_address *own = &h->addresses[i];
		__u32 host = own->prefix_len < 31 ? ~0U >> own->prefix_len : 0;

		if (a->family == FAMILY_IPV4 && own->local.family == FAMILY_IPV4 && host &&
		    (own->local.addr.w[3] | htonl(host)) == a->addr.w[3])
			return true;
	}
	return false;
}

void probe_broadcast(struct facts *f, struct findings *to)
{
	EACH_BACKEND(f, b)
		if (is_broadcast(f->host, &b->address))
			finding_add(to, &b->about, NULL, "write the address of one host in it",
				    "is the broadcast address of a network of this host");
}

/* ---- ways ---- */

static char *fix_no_route(const struct facts *f, const struct findings *to,
			  const struct backend_fact *b)
{
	char text[ADDRESS_STRLEN];
	struct prefix p;
	const struct nl_link *link = to->to == DOCTOR ? facts_network(f, b, &p) : NULL;

	/* The present route may lead there already. */
	if (!link || link->ifindex == b->way.oif)
		return NULL;
	return xasprintf("ip%s route replace %s dev %s", b->family == FAMILY_IPV6 ? " -6" : "",
			 prefix_format(&p, text), SHELL_WORD(link->name));
}

static enum link_role role_of(const struct facts *f, __u32 ifindex)
{
	for (size_t i = 0; i < f->n_interfaces; i++)
		if (f->interfaces[i].about.ifindex == ifindex)
			return f->interfaces[i].role;
	return ROLE_NONE;
}

/* Finds a rule that routes packets to the backend differently if they have a mark. XDP does not see
 * the marks that the admin may set. */
static const struct nl_rule *marked_way(const struct facts *f, const struct backend_fact *b,
					struct nl_way *ret)
{
	for (size_t i = 0; i < f->host->n_rules && b->address.family; i++) {
		const struct nl_rule *r = &f->host->rules[i];

		if (r->family != b->family || !r->fwmark || r->other || r->sport || r->unknown ||
		    r->action != FR_ACT_TO_TBL || nl_way(&b->address, NULL, b->vrf, r->fwmark, ret))
			continue;
		if (!b->way.oif ||
		    (role_of(f, b->way.oif) == ROLE_WAN && role_of(f, ret->oif) != ROLE_WAN))
			return r;
	}
	return NULL;
}

void probe_marked(struct facts *f, struct findings *to)
{
	EACH_BACKEND(f, b) {
		struct nl_way way;
		const struct nl_rule *r = marked_way(f, b, &way);
		const struct nl_link *out = r ? host_link(f->host, way.oif) : NULL;

		if (r)
			finding_add(to, &b->about,
				    xasprintf("ip%s rule add pref %u to %s lookup %u",
					      b->family == FAMILY_IPV6 ? " -6" : "",
					      r->priority ? r->priority - 1 : 0, b->about.name,
					      r->table), "add a rule without a mark",
				    "has a route over %s only for packets with mark 0x%x (rule "
				    "%u); XDP sees no marks, and gets %s", out ? out->name : "?",
				    r->fwmark, r->priority,
				    b->way.oif ? "a route over a wan" : "no route");
	}
}

static const char *listener_on(const struct facts *f, const struct backend_fact *b,
			       const char *name)
{
	if (!strcmp(b->about.service->listen_interface, name))
		return b->about.service->name;
	for (size_t i = 0; i < f->config->n_services; i++)
		if (!strcmp(f->config->services[i].listen_interface, name))
			return f->config->services[i].name;
	return NULL;
}

/* Returns whether the kernel's answer about the backend is this one, and no finding says more. */
static bool is_found(const struct findings *to, const struct backend_fact *b, enum reach reach)
{
	/* Doctor names the interface that is down. */
	return b->address.family && b->reach == reach && !(b->down && to->to == DOCTOR) &&
	       !finding_to(to, b->about.service, &b->address);
}

void probe_own_address(struct facts *f, struct findings *to)
{
	EACH_BACKEND(f, b)
		if (is_found(to, b, REACH_SELF))
			finding_add(to, &b->about, NULL,
				    "write the address of the WireGuard host behind it",
				    "is an address of this host");
}

/* Reports an interface that wgxdp does not use, because it is down. */
void probe_behind_down(struct facts *f, struct findings *to)
{
	EACH_BACKEND(f, b) {
		struct subject about = { 0 };

		if (!b->down || finding_at(to, b->down->name))
			continue;
		strcpy(about.name, b->down->name);
		about.ifindex = b->down->ifindex;
		finding_add(to, &about, xasprintf("ip link set dev %s up",
						  SHELL_WORD(b->down->name)), NULL, "is down");
	}
}

void probe_no_route(struct facts *f, struct findings *to)
{
	EACH_BACKEND(f, b)
		if (is_found(to, b, REACH_NONE))
			finding_add(to, &b->about, fix_no_route(f, to, b),
				    "add a route, or correct the address",
				    "has no route on this host");
}

void probe_wan_route(struct facts *f, struct findings *to)
{
	EACH_BACKEND(f, b) {
		const struct nl_link *out = host_link(f->host, b->way.oif);
		const char *listener = out ? listener_on(f, b, out->name) : NULL;
		char advice[160];

		if (!out || !is_found(to, b, REACH_WAN))
			continue;
		snprintf(advice, sizeof(advice),
			 "add a route, write nat: masquerade, so that replies come back here, or "
			 "correct %s", listener ? "`listen`, if no client is there" :
			 "the address");
		finding_add(to, &b->about, fix_no_route(f, to, b), advice,
			    "is reached by %s%s%s%s%s", listener ? "" : "the wan ", out->name,
			    listener ? ", where service " : "", listener ?: "",
			    listener ? " listens for clients" : "");
	}
}

void probe_unknown_route(struct facts *f, struct findings *to)
{
	EACH_BACKEND(f, b)
		if (is_found(to, b, REACH_UNKNOWN))
			finding_add(to, &b->about, NULL, NULL,
				    "may have a route: the kernel lacked the memory to say");
}

void probe_route(struct facts *f, struct findings *to)
{
	EACH_BACKEND(f, b) {
		const struct nl_link *out = host_link(f->host, b->way.oif);
		char via[ADDRESS_STRLEN];

		if (is_found(to, b, REACH_BY_RULE))
			finding_add(to, &b->about, NULL, NULL, "a routing rule chooses the route, "
				    "by more than the destination");
		else if (!is_found(to, b, REACH_ROUTED))
			continue;
		else if (host_has_several_ways(f->host, &b->address, b->vrf, b->way.oif))
			finding_add(to, &b->about, NULL, NULL, "several routes lead there, over %s "
				    "and other next hops: the kernel chooses one for each packet",
				    out ? out->name : "?");
		else
			finding_add(to, &b->about, NULL, NULL, "over %s%s%s",
				    out ? out->name : "?", b->way.via.family ? ", via " : "",
				    b->way.via.family ? address_format(&b->way.via, via) : "");
	}
}

/* A service may listen on the interface that leads to its backend by mistake: perhaps it is the
 * LAN. */
void probe_side(struct facts *f, struct findings *to)
{
	EACH_BACKEND(f, b) {
		const struct nl_link *out = host_link(f->host, b->way.oif);
		const struct service_config *s = b->about.service;
		struct subject about = { 0 };
		char advice[96];

		if (b->reach != REACH_WAN || b->way.via.family || !out ||
		    strcmp(s->listen_interface, out->name))
			continue;
		strcpy(about.name, out->name);
		snprintf(about.path, sizeof(about.path), "/services/%zu/listen/interface",
			 (size_t)(s - f->config->services));
		snprintf(advice, sizeof(advice),
			 "if %s does not lead to the internet, write the other interface",
			 out->name);
		finding_add(to, &about, NULL, advice, "also leads to the backend %s",
			    b->about.name);
	}
}

void probe_neighbour(struct facts *f, struct findings *to)
{
	EACH_BACKEND(f, b) {
		const struct nl_link *out = host_link(f->host, b->way.oif);
		char next[ADDRESS_STRLEN];

		if (b->reach != REACH_ROUTED || !out ||
		    !(nl_neighbour_state(f->neighbours, f->n_neighbours, &b->way, &b->address) &
		      (NUD_FAILED | NUD_INCOMPLETE)))
			continue;
		address_format(b->way.via.family ? &b->way.via : &b->address, next);
		finding_add(to, &b->about, NULL, NULL, "is not reached: %s does not resolve on %s",
			    next, out->name);
	}
}

/* ---- MTU ---- */

/* Returns the length in bytes of the longest packet that goes to the backend; 0: unknown. */
static unsigned int longest(const struct facts *f, const struct backend_fact *b)
{
	return b->reach == REACH_ROUTED && host_link(f->host, b->way.oif) ?
	       reach_longest(f->host, b->about.service, b->family, b->way.oif) : 0;
}

/* Returns whether no other backend behind the same interface gets longer packets. */
static bool gets_longest(const struct facts *f, const struct backend_fact *b)
{
	EACH_BACKEND(f, o)
		if (o->way.oif == b->way.oif && (longest(f, o) > longest(f, b) ||
						 (o < b && longest(f, o) == longest(f, b))))
			return false;
	return true;
}

/* Doctor gets one finding for each interface, the states one for each backend. Packets that are not
 * too long pass, so the finding stops neither. */
static void look_at_mtu(struct facts *f, struct findings *to, bool fits)
{
	EACH_BACKEND(f, b) {
		const struct nl_link *out = host_link(f->host, b->way.oif), *in;
		unsigned int need = longest(f, b);
		struct subject about = { .service = b->about.service };

		if (!need || (out->mtu >= need) != fits ||
		    (to->to == DOCTOR && !gets_longest(f, b)))
			continue;
		in = host_link_by_name(f->host, about.service->listen_interface);
		strcpy(about.name, out->name);
		if (fits)
			finding_add(to, &about, NULL, NULL,
				    "the MTU %u is enough for the packets of up to %u bytes that "
				    "arrive on %s", out->mtu, need, in->name);
		else
			finding_add(to, &about, xasprintf("ip link set dev %s mtu %u",
							  SHELL_WORD(out->name),
							  need > in->mtu ? need : in->mtu), NULL,
				    "has the MTU %u, but packets of up to %u bytes for hosts "
				    "behind it arrive on %s: long ones are fragmented or refused",
				    out->mtu, need, in->name);
	}
}

void probe_mtu(struct facts *f, struct findings *to)
{
	look_at_mtu(f, to, false);
}

void probe_mtu_fits(struct facts *f, struct findings *to)
{
	look_at_mtu(f, to, true);
}
