/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The daemons that announce routes and addresses: BIRD, keepalived and radvd.
 */
#include <string.h>
#include "gen/gen_host.h"

/* etc/bird/bird.conf of relays that share a key. The relays tell each other by BGP which sites they
 * have, through the tunnels between them. */

static void neighbor(FILE *out, const struct topology *t, const struct topology_host *h,
		     const struct topology_host *other)
{
	struct address own = topology_between(t, h, other), others = topology_between(t, other, h);
	char text[2][ADDRESS_STRLEN];

	fprintf(out, "protocol bgp r%u { # %s\n"
		"	local %s as %u;\n"
		"	neighbor %s as %u;\n"
		"	connect delay time 1; connect retry time 1; error wait time 1, 2; bfd on;\n"
		"	ipv6 { import all; export where source = RTS_INHERIT; next hop self; };\n"
		"}\n", other->number, other->name, address_format(&own, text[0]),
		GEN_AS + h->number, address_format(&others, text[1]), GEN_AS + other->number);
}

void gen_bird(const struct gen *g, const struct topology_host *h)
{
	FILE *out;

	if (!h->shares)
		return;
	out = gen_host_file(g, h, 0644, "#", "etc/bird/bird.conf");
	fprintf(out, "# A site is announced by the relay where it is, and by no other: each tells "
		"only what it has itself, for all speak with each other.\n"
		"router id 10.0.0.%u;\n"
		"protocol device {}\n"
		"protocol bfd { interface \"" TOPOLOGY_BETWEEN
		"*\" { interval 200 ms; multiplier 5; }; }\n"
		"ipv6 table sites;\n"
		"# sites that are alive here: wgxdp writes them\n"
		"protocol kernel here {\n"
		"	kernel table %d; learn; scan time 1;\n"
		"	ipv6 { table sites; import filter { preference = 200; accept; }; "
		"export none; };\n"
		"}\n"
		"# those that are elsewhere: wgxdp reads them\n"
		"protocol kernel { ipv6 { import none; export where source = RTS_BGP; }; }\n"
		"protocol pipe { table sites; peer table master6; import none; export all; }\n",
		h->number, GEN_TABLE);
	for_each_other_relay(other, g->t, h)
		neighbor(out, g->t, h, other);
}

/* etc/keepalived/ of edge routers: keepalived decides which edge router of a site has fe80::1
 * and the tunnel. */

#define NOTIFY "etc/keepalived/" WG_ROUTING

static void write_configuration(FILE *out, const struct topology *t, const struct topology_host *h)
{
	fprintf(out, "# One edge router of site %s is the active one: it has fe80::1 in the LAN, "
		"by which servers reach the other sites, and the tunnel\n"
		"# to the relay. They are all alike: who is active stays so, until it is not heard "
		"for 3.6 s.\n"
		"global_defs {\n"
		"\trouter_id %s\n"
		"\tscript_user root\n"
		"\tenable_script_security\n"
		"\t# an interface may come later than this\n"
		"\tdynamic_interfaces\n"
		"}\n"
		"\n", t->sites[h->site].name, h->name);
	fprintf(out, "# No vrrp_sync_group: a group of one is none, and `keepalived -t` calls "
		"it an error.\n"
		"vrrp_instance %s {\n"
		"\tstate BACKUP\n"
		"\tnopreempt\n"
		"\tinterface %s\n"
		"\tversion 3\n"
		"\tnative_ipv6\n"
		"\tvirtual_router_id %u\n"
		"\tpriority 100\n"
		"\tadvert_int 1.0\n"
		"\tgarp_master_delay 1\n", t->sites[h->site].name, h->lan,
		t->sites[h->site].subnet % 255 + 1);
	fprintf(out,
		"\t# without a way to the relay another one is better\n"
		"\ttrack_interface {\n"
		"\t\t%s\n"
		"\t}\n"
		"\tvirtual_ipaddress {\n"
		"\t\tfe80::1/128\n"
		"\t}\n"
		"\tnotify /" NOTIFY "\n"
		"}\n", h->interface);
}

/* Writes keepalived.sh, in which the interface replaces @LAN@. */
static void write_script(FILE *out, const struct topology_host *h)
{
	static const char script[] =
#include "keepalived.h"
		"";
	const char *lan = strstr(script, "@LAN@");

	fprintf(out, "%.*s%s%s", (int)(lan - script), script, h->lan, lan + strlen("@LAN@"));
}

void gen_keepalived(const struct gen *g, const struct topology_host *h)
{
	if (h->role != ROLE_EDGE)
		return;
	write_configuration(gen_host_file(g, h, 0644, "#", "etc/keepalived/keepalived.conf"), g->t,
			    h);
	write_script(gen_host_file(g, h, 0755, "#!/bin/sh\n#", NOTIFY), h);
}

/* etc/radvd.conf of edge routers, and of roaming routers with a global prefix in their LAN. */

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
