/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * etc/radvd.conf of edge routers, and of roaming routers with a global prefix in their LAN.
 */
#include "gen/gen_host.h"

static void announce_site(FILE *out, const struct topology *t, const struct topology_host *h)
{
	char prefix[ADDRESS_STRLEN], overlay[ADDRESS_STRLEN];

	fprintf(out, "# Only the edge router that has fe80::1, by keepalived, speaks. It is no "
		"default router: it announces the overlay, and high,\n"
		"# so that a default gateway of the LAN's does not get what is for other sites.\n"
		"interface %s {\n"
		"\tAdvSendAdvert on;\n"
		"\tMinRtrAdvInterval 10;\n"
		"\tMaxRtrAdvInterval 30;\n"
		"\tAdvDefaultLifetime 0;\n"
		"\tAdvCurHopLimit 64;\n"
		"\tAdvReachableTime 600000;\n"
		"\tAdvRASrcAddress { fe80::1; };\n", h->lan);
	fprintf(out, "\tprefix %s {\n"
		"\t\tAdvOnLink on;\n"
		"\t\tAdvAutonomous on;\n"
		"\t\tAdvValidLifetime 86400;\n"
		"\t\tAdvPreferredLifetime 14400;\n"
		"\t};\n"
		"\troute %s {\n"
		"\t\tAdvRoutePreference high;\n"
		"\t\tAdvRouteLifetime 90;\n"
		"\t\t# who stops is followed by another, at the same address\n"
		"\t\tRemoveRoute off;\n"
		"\t};\n"
		"};\n", prefix_format(&t->sites[h->site].prefix, prefix),
		prefix_format(&t->overlay, overlay));
}

static void announce_lan(FILE *out, const struct topology_host *h)
{
	char prefix[ADDRESS_STRLEN];

	fprintf(out, "# Hosts of the LAN get addresses of the prefix that comes by the tunnel; "
		"IPv4 is not touched.\n"
		"interface %s {\n"
		"\tAdvSendAdvert on;\n"
		"\tMinRtrAdvInterval 10;\n"
		"\tMaxRtrAdvInterval 30;\n"
		"\tprefix %s { };\n"
		"};\n", h->lan, prefix_format(&h->prefix, prefix));
}

void gen_radvd(const struct gen *g, const struct topology_host *h)
{
	if (h->role == ROLE_EDGE)
		announce_site(gen_host_file(g, h, 0644, "#", "etc/radvd.conf"), g->t, h);
	else if (h->role == ROLE_ROAMING && gen_announces(h))
		announce_lan(gen_host_file(g, h, 0644, "#", "etc/radvd.conf"), h);
}
