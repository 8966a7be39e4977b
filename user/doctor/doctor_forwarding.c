/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Checks two kinds of sysctls: without the first kind, the kernel, and so the FIB that XDP queries,
 * forwards nothing. The second kind makes the kernel drop received packets.
 */
#include <stdio.h>
#include "doctor/doctor.h"
#include "lib/text.h"

static bool needs_forwarding(const struct doctor *k, const struct doctor_port *port, bool ipv6)
{
	return reach_needs(k->c, &k->h, port->link, ipv6 ? FAMILY_IPV6 : FAMILY_IPV4);
}

/* Returns how many interfaces need forwarding of this family. *ret_on: how many of them have it. */
static size_t count_needs(const struct doctor *k, bool ipv6, size_t *ret_on)
{
	size_t n = 0;

	*ret_on = 0;
	for (size_t i = 0; i < k->n_ports; i++)
		if (k->ports[i].link && needs_forwarding(k, &k->ports[i], ipv6)) {
			n++;
			*ret_on += host_forwards(k->ports[i].name, ipv6);
		}
	return n;
}

static void look_at_family(struct doctor *k, bool ipv6)
{
	const char *family = ipv6 ? "IPv6" : "IPv4";
	size_t on, n = count_needs(k, ipv6, &on);

	if (!n)
		return;
	if (!on && !host_forwards("all", ipv6)) {
		doctor_report(k, STATE_PROBLEM, "forwarding", family,
			      reach_forwarding_fix(&k->h, k->ports->name, ipv6),
			      "off: neither the kernel nor XDP, which uses the kernel's routes, "
			      "forwards anything");
		return;
	}
	for (size_t i = 0; i < k->n_ports && on < n; i++) {
		const struct doctor_port *port = &k->ports[i];

		if (port->link && needs_forwarding(k, port, ipv6) &&
		    !host_forwards(port->name, ipv6))
			doctor_report(k, STATE_PROBLEM, "forwarding", port->name,
				      reach_forwarding_fix(&k->h, port->name, ipv6),
				      "%s forwarding is off on this interface, so wgxdp "
				      "forwards no packets that arrive on it", family);
	}
	if (on == n)
		doctor_ok(k, "forwarding", family, "on");
}

static void look_at_accept_ra(struct doctor *k, const struct doctor_port *port)
{
	char name[IFNAMSIZ];

	if (!host_forwards(port->name, true) || !reach_needs_accept_ra(&k->h, port->link))
		return;
	doctor_report(k, STATE_PROBLEM, "accept_ra", port->name,
		      xasprintf("sysctl -w net.ipv6.conf.%s.accept_ra=2",
				SHELL_WORD(host_sysctl_name(port->name, name))),
		      "1, and forwarding is on: the kernel ignores router advertisements, so "
		      "address and default route expire");
}

/* ---- rp_filter ---- */

/* Checks rp_filter, which in strict mode drops packets from an interface that is not on the route
 * to their source. XDP and tc forward before that check, but packets for this host's own WireGuard
 * pass through it. */
static void look_at_rp_filter(struct doctor *k, const struct doctor_port *port)
{
	long all = host_sysctl("/proc/sys/net/ipv4/conf/all/rp_filter");
	long own = host_sysctl("/proc/sys/net/ipv4/conf/%s/rp_filter", port->name);
	char name[IFNAMSIZ];
	struct address remote;
	struct nl_way way;

	if ((all > own ? all : own) != 1) {
		doctor_ok(k, "rp_filter", port->name, "%s",
			  (all > own ? all : own) == 2 ? "loose" : "off");
		return;
	}
	/* A benchmark address (RFC 2544) is routed like any host on the internet. */
	address_parse("198.18.0.1", &remote);
	for (size_t i = 0; i < k->h.n_addresses; i++) {
		const struct nl_address *a = &k->h.addresses[i];

		if (a->ifindex != port->link->ifindex || a->local.family != FAMILY_IPV4 ||
		    nl_way(&remote, &a->local, host_link_vrf(&k->h, port->link), 0, &way) ||
		    way.oif == port->link->ifindex)
			continue;
		doctor_report(k, k->n_devices ? STATE_PROBLEM : STATE_OK, "rp_filter", port->name,
			      k->n_devices ?
			      xasprintf("sysctl -w net.ipv4.conf.%s.rp_filter=2",
					SHELL_WORD(host_sysctl_name(port->name, name))) : NULL,
			      "strict, and replies to packets that arrive on it leave by %s: %s",
			      doctor_link_name(k, way.oif), k->n_devices ?
			      "the kernel drops packets that arrive on it for WireGuard on this "
			      "host" :
			      "the kernel would drop these packets, but XDP and tc run before that "
			      "check");
		return;
	}
	doctor_ok(k, "rp_filter", port->name, "strict, and replies leave by the same interface");
}

void doctor_forwarding(struct doctor *k)
{
	look_at_family(k, false);
	look_at_family(k, true);
	for (size_t i = 0; i < k->n_ports; i++)
		if (k->ports[i].link && k->ports[i].role == ROLE_WAN) {
			look_at_accept_ra(k, &k->ports[i]);
			look_at_rp_filter(k, &k->ports[i]);
		}
}
