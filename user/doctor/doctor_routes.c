/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Checks the names of backends, and how long a packet of WireGuard may be.
 */
#include <linux/fib_rules.h>
#include <stdio.h>
#include <string.h>
#include "doctor/doctor.h"
#include "doctor/mtu.h"
#include "lib/text.h"

/* Notes a backend's name that did not resolve at `up` but resolves now, if a daemon should have
 * noticed that. Without a daemon, doctor_instance() reports it. */
static void look_at_name(struct doctor *k, struct doctor_backend *b)
{
	const char *family = b->family == FAMILY_IPV4 ? "IPv4" : "IPv6";
	char text[ADDRESS_STRLEN];

	if (!b->address.family)
		return;
	b->suspect |= k->dp && !b->was;
	address_format(&b->address, text);
	if (k->dp && !b->was)
		doctor_ok(k, "name", b->text, "the name had no %s address at the last lookup, and "
			  "has %s now", family, text);
	else
		doctor_ok(k, "name", b->text, "its address is %s", text);
}

void doctor_routes(struct doctor *k)
{
	struct address a;

	for (size_t i = 0; i < k->n_backends; i++)
		if (address_parse(k->backends[i].text, &a))
			look_at_name(k, &k->backends[i]);
}

/* ---- MTU ---- */

static bool has_ipv6(const struct doctor *k, const struct device_fact *d, __u32 ifindex)
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
static void report_device_mtu(struct doctor *k, const struct device_fact *d,
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
static void look_at_device_mtu(struct doctor *k, const struct device_fact *d)
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
	for (size_t i = 0; i < k->n_devices; i++)
		look_at_device_mtu(k, &k->devices[i]);
}
