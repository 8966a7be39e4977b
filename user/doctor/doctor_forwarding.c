/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Checks sysctls that make the kernel drop received packets, or lose addresses.
 */
#include <stdio.h>
#include "doctor/doctor.h"
#include "lib/text.h"

static void look_at_accept_ra(struct doctor *k, const struct interface_fact *port)
{
	char name[IFNAMSIZ];

	if (!host_forwards(port->about.name, true) || !reach_needs_accept_ra(&k->h, port->link))
		return;
	doctor_report(k, STATE_PROBLEM, "accept_ra", port->about.name,
		      xasprintf("sysctl -w net.ipv6.conf.%s.accept_ra=2",
				SHELL_WORD(host_sysctl_name(port->about.name, name))),
		      "1, and forwarding is on: the kernel ignores router advertisements, so "
		      "address and default route expire");
}

/* ---- rp_filter ---- */

/* Checks rp_filter, which in strict mode drops packets from an interface that is not on the route
 * to their source. XDP and tc forward before that check, but packets for this host's own WireGuard
 * pass through it. */
static void look_at_rp_filter(struct doctor *k, const struct interface_fact *port)
{
	long all = host_sysctl("/proc/sys/net/ipv4/conf/all/rp_filter");
	long own = host_sysctl("/proc/sys/net/ipv4/conf/%s/rp_filter", port->about.name);
	char name[IFNAMSIZ];
	struct address remote;
	struct nl_way way;

	if ((all > own ? all : own) != 1) {
		doctor_ok(k, "rp_filter", port->about.name, "%s",
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
		doctor_report(k, k->n_devices ? STATE_PROBLEM : STATE_OK, "rp_filter",
			      port->about.name, !k->n_devices ? NULL :
			      xasprintf("sysctl -w net.ipv4.conf.%s.rp_filter=2",
					SHELL_WORD(host_sysctl_name(port->about.name, name))),
			      "strict, and replies to packets that arrive on it leave by %s: %s",
			      doctor_link_name(k, way.oif), k->n_devices ?
			      "the kernel drops packets that arrive on it for WireGuard on this "
			      "host" :
			      "the kernel would drop these packets, but XDP and tc run before that "
			      "check");
		return;
	}
	doctor_ok(k, "rp_filter", port->about.name,
		  "strict, and replies leave by the same interface");
}

void doctor_forwarding(struct doctor *k)
{
	for (size_t i = 0; i < k->facts.n_interfaces; i++)
		if (k->facts.interfaces[i].link && k->facts.interfaces[i].role == ROLE_WAN) {
			look_at_accept_ra(k, &k->facts.interfaces[i]);
			look_at_rp_filter(k, &k->facts.interfaces[i]);
		}
}
