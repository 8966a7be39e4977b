/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * etc/systemd/network/ of a site's hosts. Relays, gateways and firewalls get their addresses from
 * their providers, clients from any network: they have no such files.
 */
#include <endian.h>
#include <string.h>
#include "gen/gen_host.h"

static FILE *network(const struct gen *g, const struct topology_host *h, const char *interface)
{
	FILE *out = gen_host_file(g, h, 0644, "#", "etc/systemd/network/20-%s.network", interface);

	fprintf(out, "[Match]\nName=%s\n\n", interface);
	return out;
}

static void server(const struct gen *g, const struct topology_host *h)
{
	struct address token = { .addr.q[1] = htobe64(h->token), .family = FAMILY_IPV6 };
	char text[ADDRESS_STRLEN];

	fprintf(network(g, h, h->interface), "# The site's prefix and the way to the others come "
		"by router advertisements; the last part of the address is always the same\n"
		"[Network]\n"
		"DHCP=no\n"
		"IPv6AcceptRA=true\n"
		"IPv6PrivacyExtensions=no\n"
		"LinkLocalAddressing=ipv6\n"
		"\n"
		"[IPv6AcceptRA]\n"
		"Token=static:%s\n"
		"# known since systemd 256; before, the kernel takes redirects\n"
		"UseRedirect=true\n", address_format(&token, text));
}

/* pppd manages its own interfaces */
static void edge_wan(const struct gen *g, const struct topology_host *h)
{
	if (!strncmp(h->interface, "ppp", 3))
		return;
	fputs("[Network]\n"
	      "DHCP=yes\n"
	      "# also while this host forwards\n"
	      "IPv6AcceptRA=true\n", network(g, h, h->interface));
}

static void edge_lan(const struct gen *g, const struct topology_host *h)
{
	char text[ADDRESS_STRLEN];

	fprintf(network(g, h, h->lan), "# fe80::1 comes and goes by keepalived; what the other "
		"edge routers announce is not for this one\n"
		"[Network]\n"
		"Address=%s/64\n"
		"DHCP=no\n"
		"IPv6AcceptRA=false\n"
		"IPv6PrivacyExtensions=no\n"
		"LinkLocalAddressing=ipv6\n", address_format(&h->lan6, text));
}

void gen_networkd(const struct gen *g, const struct topology_host *h)
{
	if (h->role == ROLE_SERVER) {
		server(g, h);
	} else if (h->role == ROLE_EDGE) {
		edge_wan(g, h);
		edge_lan(g, h);
	}
}
