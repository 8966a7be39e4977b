/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Checks routes to backends: whether the FIB has one over the right interface, whether packets with
 * a mark take the same one, and how long a packet may be on it.
 */
#include <linux/fib_rules.h>
#include <stdio.h>
#include <string.h>
#include "doctor/doctor.h"
#include "doctor/mtu.h"
#include "lib/text.h"

static const char *ip_command(const struct doctor_backend *b)
{
	return b->family == FAMILY_IPV6 ? "ip -6" : "ip";
}

static enum link_role role_of(struct doctor *k, __u32 ifindex)
{
	const struct doctor_port *port = doctor_port(k, ifindex);

	return port ? port->role : ROLE_NONE;
}

/* Returns the interface that has an address in the backend's network, and sets *ret to that
 * network. Returns NULL if there is none. */
static const struct nl_link *network_of(const struct doctor *k, const struct doctor_backend *b,
					struct prefix *ret)
{
	for (size_t i = 0; i < k->h.n_addresses; i++) {
		const struct nl_address *a = &k->h.addresses[i];

		*ret = (struct prefix){
			.addr = a->local.addr, .family = a->local.family, .len = a->prefix_len,
		};
		prefix_clear_host(ret);
		if (prefix_covers(ret, &b->address) && host_link(&k->h, a->ifindex))
			return host_link(&k->h, a->ifindex);
	}
	return NULL;
}

static char *fix_no_route(const struct doctor *k, const struct doctor_backend *b)
{
	char text[ADDRESS_STRLEN];
	struct prefix p;
	const struct nl_link *link = network_of(k, b, &p);

	/* The present route leads there already. */
	if (link && b->routed && link->ifindex == b->way.oif)
		return NULL;
	return link ? xasprintf("%s route replace %s dev %s", ip_command(b),
				prefix_format(&p, text), SHELL_WORD(link->name)) : NULL;
}

/* Returns whether the backend's interface is down and so lacks routes, and reports that once. */
static bool is_behind_down(struct doctor *k, struct doctor_backend *b)
{
	struct prefix p;
	const struct nl_link *link = network_of(k, b, &p);
	bool reported = false;

	if (!link || link->up)
		return false;
	b->suspect = true;
	for (size_t i = 0; i < k->n_findings; i++)
		reported |= !strcmp(k->findings[i].check, "interface") &&
			!strcmp(k->findings[i].subject, link->name);
	if (!reported)
		doctor_report(k, STATE_PROBLEM, "interface", link->name,
			      xasprintf("ip link set dev %s up", SHELL_WORD(link->name)),
			      "it is down");
	return true;
}

/* Finds a rule that routes packets to the backend differently if they have a mark. XDP does not see
 * the marks that the admin may set. */
static const struct nl_rule *marked_way(struct doctor *k, const struct doctor_backend *b,
					struct nl_way *ret)
{
	for (size_t i = 0; i < k->h.n_rules; i++) {
		const struct nl_rule *r = &k->h.rules[i];

		if (r->family != b->family || !r->fwmark || r->other || r->sport || r->unknown ||
		    r->action != FR_ACT_TO_TBL || nl_way(&b->address, NULL, b->vrf, r->fwmark, ret))
			continue;
		if (!b->routed ||
		    (role_of(k, b->way.oif) == ROLE_WAN && role_of(k, ret->oif) != ROLE_WAN))
			return r;
	}
	return NULL;
}

static bool look_at_marks(struct doctor *k, struct doctor_backend *b)
{
	struct nl_way way;
	const struct nl_rule *r = marked_way(k, b, &way);
	char text[ADDRESS_STRLEN];

	if (!r)
		return false;
	b->suspect = true;
	address_format(&b->address, text);
	doctor_report(k, STATE_PROBLEM, "policy", text,
		      xasprintf("%s rule add pref %u to %s lookup %u", ip_command(b),
				r->priority ? r->priority - 1 : 0, text, r->table),
		      b->routed ?
		      "the route over %s is only for packets with mark 0x%x (rule %u). XDP sees no "
		      "marks, and gets a route over a wan: add a rule without a mark" :
		      "the route over %s is only for packets with mark 0x%x (rule %u). XDP sees no "
		      "marks, and gets no route: add a rule without a mark",
		      doctor_link_name(k, way.oif), r->fwmark, r->priority);
	return true;
}

/* Returns a service that listens on the interface, preferably that of the backend, or NULL. */
static const struct service_config *listener_on(const struct doctor *k,
						const struct doctor_backend *b, const char *name)
{
	if (!strcmp(b->service->listen_interface, name))
		return b->service;
	for (size_t i = 0; i < k->c->n_services; i++)
		if (!strcmp(k->c->services[i].listen_interface, name))
			return &k->c->services[i];
	return NULL;
}

static void report_wan(struct doctor *k, const struct doctor_backend *b, const char *text)
{
	const char *wan = doctor_link_name(k, b->way.oif);
	const struct service_config *s = listener_on(k, b, wan);

	if (s)
		doctor_report(k, STATE_PROBLEM, "route", text, fix_no_route(k, b), "the route to "
			      "it leaves by %s, where service %s listens for clients: add a route, "
			      "or if %s leads to no client, correct listen", wan, s->name, wan);
	else
		doctor_report(k, STATE_PROBLEM, "route", text, fix_no_route(k, b),
			      "the route to this backend leaves by the wan %s: add a route to it, "
			      "or correct its address", wan);
}

static void look_at_way(struct doctor *k, struct doctor_backend *b)
{
	char text[ADDRESS_STRLEN], via[ADDRESS_STRLEN];

	address_format(&b->address, text);
	if (b->reach == REACH_SELF) {
		b->suspect = true;
		doctor_report(k, STATE_PROBLEM, "route", text, NULL, "the backend's address is one "
			      "of this host: write the address of the WireGuard host behind it");
	} else if (b->reach == REACH_NONE || b->reach == REACH_WAN) {
		if (is_behind_down(k, b))
			return;
		b->suspect = true;
		if (b->reach == REACH_NONE)
			doctor_report(k, STATE_PROBLEM, "route", text, fix_no_route(k, b),
				      "this host has no route to the backend: add one, or correct "
				      "its address");
		else
			report_wan(k, b, text);
	} else if (b->reach == REACH_BY_RULE) {
		doctor_ok(k, "route", text, "a routing rule chooses the route, by more than the "
					    "destination");
	} else if (host_has_several_ways(&k->h, &b->address, b->vrf, b->way.oif)) {
		doctor_ok(k, "route", text, "several routes lead there, over %s and other next "
					    "hops: the kernel chooses one for each "
					    "packet", doctor_link_name(k, b->way.oif));
	} else {
		doctor_ok(k, "route", text, "over %s%s%s", doctor_link_name(k, b->way.oif),
			  b->way.via.family ? ", via " : "",
			  b->way.via.family ? address_format(&b->way.via, via) : "");
	}
}

/* Reports a backend's name that did not resolve at `up` but resolves now, if a daemon should have
 * noticed that. Without a daemon, doctor_instance() reports it. */
static void look_at_name(struct doctor *k, struct doctor_backend *b)
{
	const char *family = b->family == FAMILY_IPV4 ? "IPv4" : "IPv6";
	char text[ADDRESS_STRLEN];

	if (!b->address.family) {
		b->suspect = true;
		doctor_report(k, STATE_PROBLEM, "name", b->text, xasprintf("getent ahosts %s",
									   b->text),
			      "the name has no %s address, or no name server answers: correct the "
			      "name, or see /etc/resolv.conf", family);
	} else if (k->dp && !b->was) {
		b->suspect = true;
		doctor_ok(k, "name", b->text, "the name had no %s address at the last lookup, and "
			  "has %s now", family, address_format(&b->address, text));
	} else {
		doctor_ok(k, "name", b->text, "its address is %s",
			  address_format(&b->address, text));
	}
}

void doctor_routes(struct doctor *k)
{
	struct address a;

	for (size_t i = 0; i < k->n_backends; i++) {
		struct doctor_backend *b = &k->backends[i];

		if (address_parse(b->text, &a))
			look_at_name(k, b);
		if (b->address.family && !look_at_marks(k, b))
			look_at_way(k, b);
	}
}

/* ---- MTU ---- */

static unsigned int needed_mtu(const struct doctor *k, const struct doctor_backend *b)
{
	return b->routed ? reach_longest(&k->h, b->service, b->family, b->way.oif) : 0;
}

static void look_at_port_mtu(struct doctor *k, const struct doctor_port *port)
{
	const struct doctor_backend *most = NULL;
	unsigned int need = 0, comes;

	for (size_t i = 0; i < k->n_backends; i++)
		if (k->backends[i].way.oif == port->link->ifindex &&
		    needed_mtu(k, &k->backends[i]) > need) {
			most = &k->backends[i];
			need = needed_mtu(k, most);
		}
	if (!most)
		return;
	comes = host_link_by_name(&k->h, most->service->listen_interface)->mtu;
	if (port->link->mtu >= need)
		doctor_ok(k, "mtu", port->name, "the MTU %u is enough for the packets of up to %u "
						"bytes that arrive on %s",
			  port->link->mtu, need, most->service->listen_interface);
	else
		doctor_report(k, STATE_PROBLEM, "mtu", port->name,
			      xasprintf("ip link set dev %s mtu %u", SHELL_WORD(port->name),
					need > comes ? need : comes),
			      "the MTU is %u, but packets of up to %u bytes for hosts behind it "
			      "arrive on %s: long packets are fragmented or refused",
			      port->link->mtu, need, most->service->listen_interface);
}

static bool has_ipv6(const struct doctor *k, const struct doctor_device *d, __u32 ifindex)
{
	for (size_t i = 0; i < k->h.n_addresses; i++)
		if (k->h.addresses[i].ifindex == ifindex &&
		    k->h.addresses[i].local.family == FAMILY_IPV6)
			return true;
	for (size_t i = 0; i < d->wg.n_peers; i++)
		for (size_t j = 0; j < d->wg.peers[i].n_allowed; j++)
			if (d->wg.peers[i].allowed[j].family == FAMILY_IPV6)
				return true;
	return false;
}

/* Reports a WireGuard device with too large an MTU. fits: the largest for the device `narrow`,
 * which carries its packets. Below the minimum of IPv6 there is no fix: Linux would remove IPv6. */
static void report_device_mtu(struct doctor *k, const struct doctor_device *d,
			      const struct nl_link *link, unsigned int fits,
			      const struct nl_link *narrow)
{
	if (fits < MTU_IPV6_MIN && has_ipv6(k, d, link->ifindex))
		doctor_report(k, STATE_WARNING, "mtu", d->name, NULL,
			      "with the MTU %u, WireGuard's packets exceed the MTU %u of %s and "
			      "are fragmented. IPv6 in the tunnel needs an MTU of at least %d, so "
			      "%s needs one of %u. Or let both ends fragment: keep at least %d "
			      "on %s, and set `mtu %u` for the other end's route to this host",
			      link->mtu, narrow->mtu, narrow->name, MTU_IPV6_MIN, narrow->name,
			      MTU_IPV6_MIN + narrow->mtu - fits, MTU_IPV6_MIN, d->name,
			      narrow->mtu);
	else
		doctor_report(k, STATE_WARNING, "mtu", d->name,
			      xasprintf("ip link set dev %s mtu %u", SHELL_WORD(d->name), fits),
			      "with the MTU %u, WireGuard's packets exceed the MTU %u of %s and "
			      "are fragmented: `wgxdp mtu` measures the whole path",
			      link->mtu, narrow->mtu, narrow->name);
}

/* Checks the MTU of a WireGuard device, which all its peers share, for the path to the peer with
 * the narrowest interface. */
static void look_at_device_mtu(struct doctor *k, const struct doctor_device *d)
{
	const struct nl_link *link = host_link_by_name(&k->h, d->name), *narrow = NULL;
	unsigned int fits = MTU_MAX;

	for (size_t i = 0; link && i < d->wg.n_peers; i++) {
		const struct wg_peer *p = &d->wg.peers[i];
		const struct nl_link *out;
		struct nl_way way;

		if (!p->endpoint.family || nl_way(&p->endpoint, NULL, 0, d->wg.fwmark, &way))
			continue;
		out = host_link(&k->h, way.oif);
		if (!out || out->loopback ||
		    out->mtu < mtu_overhead(p->endpoint.family) + MTU_SMALL)
			continue;
		if (out->mtu - mtu_overhead(p->endpoint.family) < fits) {
			fits = out->mtu - mtu_overhead(p->endpoint.family);
			narrow = out;
		}
	}
	if (!narrow)
		return;
	if (link->mtu > fits)
		report_device_mtu(k, d, link, fits, narrow);
	else
		doctor_ok(k, "mtu", d->name, "the MTU is %u; it may be up to %u with the MTU %u of "
			  "%s", link->mtu, fits, narrow->mtu, narrow->name);
}

void doctor_mtu(struct doctor *k)
{
	for (size_t i = 0; i < k->n_ports; i++)
		if (k->ports[i].link && k->ports[i].role != ROLE_WAN)
			look_at_port_mtu(k, &k->ports[i]);
	for (size_t i = 0; i < k->n_devices; i++)
		look_at_device_mtu(k, &k->devices[i]);
}
