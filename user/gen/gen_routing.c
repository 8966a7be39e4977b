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

	if (!h->shares || h->blind)
		return;
	out = gen_host_file(g, h, 0644, "#", "etc/bird/bird.conf");
	fprintf(out, "# Each relay announces only the sites that are connected to it. Every relay "
		     "has a BGP session with every other relay.\n"
		     "router id 10.0.0.%u;\n"
		     "protocol device {}\n"
		     "protocol bfd { interface \"" TOPOLOGY_BETWEEN
		"*\" { interval 200 ms; multiplier 5; }; }\n"
		"ipv6 table sites;\n"
		"# the sites that are connected to this relay: wgxdp writes them into this table\n"
		"protocol kernel here {\n"
		"	kernel table %d; learn; scan time 1;\n"
		"	ipv6 { table sites; import filter { preference = 200; accept; }; "
		"export none; };\n"
		"}\n"
		"# the sites that are connected to other relays: wgxdp reads them from the main "
		"table\n"
		"protocol kernel { ipv6 { import none; export where source = RTS_BGP; }; }\n"
		"protocol pipe { table sites; peer table master6; import none; export all; }\n",
		h->number, GEN_TABLE);
	for_each_other_relay(other, g->t, h)
		neighbor(out, g->t, h, other);
}

/* etc/keepalived/ of two blind relays: keepalived decides which of them has the shared
 * addresses. */
static void write_pair(FILE *out, const struct topology *t, const struct topology_host *h)
{
	const struct topology_host *shared = &t->shared;
	char address[ADDRESS_STRLEN], gateway[ADDRESS_STRLEN];

	fprintf(out, "# One of the two relays is active: it has the shared addresses. It stays "
		"active until the other one has not heard it for a second.\n"
		"global_defs {\n"
		"\trouter_id %s\n"
		"}\n\n", h->name);
	fprintf(out, "vrrp_instance relays {\n"
		"\tstate BACKUP\n"
		"\tnopreempt\n"
		"\tinterface %s\n"
		"\tversion 3\n"
		"\t# Both relays have this number, and no other keepalived on the link has it.\n"
		"\tvirtual_router_id 51\n"
		"\tpriority %d\n"
		"\tadvert_int 0.3\n", h->interface, h == t->hosts ? 150 : 100);
	for (size_t i = 0; i < shared->n_addresses; i++)
		fprintf(out, "\tvirtual_ipaddress%s {\n\t\t%s\n\t}\n",
			shared->addresses[i].family == FAMILY_IPV4 ? "" : "_excluded",
			address_format(&shared->addresses[i], address));
	fputs("\t# the relay's own WireGuard sends from the shared addresses\n"
	      "\tvirtual_routes {\n", out);
	for (size_t i = 0; i < shared->n_addresses; i++) {
		const struct address *a = &shared->addresses[i];

		fprintf(out, "\t\tsrc %s to %s via %s dev %s metric 50\n",
			address_format(a, address), a->family == FAMILY_IPV4 ? "0.0.0.0/0" : "::/0",
			address_format(topology_gateway(shared, a->family), gateway), h->interface);
	}
	fputs("\t}\n}\n", out);
}

/* etc/keepalived/ of edge routers: keepalived decides which edge router of a site has fe80::1
 * and the tunnel. */

#define NOTIFY "etc/keepalived/" WG_ROUTING

static void write_configuration(FILE *out, const struct topology *t, const struct topology_host *h)
{
	fprintf(out, "# One edge router of site %s is active. It has the tunnel to the relay, and "
		"in the LAN the address fe80::1, by which\n"
		"# servers reach the other sites. The active router stays active until the others "
		"have not heard it for 3.6 s.\n"
		"global_defs {\n"
		"\trouter_id %s\n"
		"\tscript_user root\n"
		"\tenable_script_security\n"
		"\t# interfaces may be created after keepalived has started\n"
		"\tdynamic_interfaces\n"
		"}\n\n", t->sites[h->site].name, h->name);
	fprintf(out, "vrrp_instance %s {\n"
		     "\tstate BACKUP\n"
		     "\tnopreempt\n"
		     "\tinterface %s\n"
		     "\tversion 3\n"
		     "\tnative_ipv6\n"
		     "\t# Make sure that no other VRRP in the LAN has this number.\n"
		     "\tvirtual_router_id %u\n"
		     "\tpriority 100\n"
		     "\tadvert_int 1.0\n"
		     "\tgarp_master_delay 1\n", t->sites[h->site].name, h->lan,
		t->sites[h->site].number % 255 + 1);
	fprintf(out, "\t# If this interface goes down, another edge router takes over.\n"
		"\ttrack_interface {\n"
		"\t\t%s\n"
		"\t}\n"
		"\t# make sure that no other router in the LAN has this address: ping fe80::1%%%s.\n"
		"\tvirtual_ipaddress {\n"
		"\t\tfe80::1/128\n"
		"\t}\n"
		"\tnotify /" NOTIFY "\n}\n", h->interface, h->lan);
}

/* Writes the script keepalived.sh with @LAN@ replaced by the name of the host's LAN interface. */
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
	if (gen_is_pair(g->t, h))
		write_pair(gen_host_file(g, h, 0644, "#", "etc/keepalived/keepalived.conf"), g->t,
			   h);
	if (h->role != ROLE_EDGE)
		return;
	write_configuration(gen_host_file(g, h, 0644, "#", "etc/keepalived/keepalived.conf"), g->t,
			    h);
	write_script(gen_host_file(g, h, 0755, "#!/bin/sh\n#", NOTIFY), h);
}

/* etc/radvd.conf of edge routers, and of roaming routers. */

/* Writes a prefix from which hosts make themselves addresses. */
static void announce_prefix(FILE *out, const struct prefix *p, int valid, int preferred)
{
	char prefix[ADDRESS_STRLEN];

	fprintf(out, "\tprefix %s {\n"
		"\t\tAdvOnLink on;\n"
		"\t\t# each host of the LAN also makes itself an address\n"
		"\t\tAdvAutonomous on;\n"
		"\t\tAdvValidLifetime %d;\n"
		"\t\tAdvPreferredLifetime %d;\n"
		"\t};\n", prefix_format(p, prefix), valid, preferred);
}

static void announce_site(FILE *out, const struct topology *t, const struct topology_host *h)
{
	const struct topology_site *site = &t->sites[h->site];
	char overlay[ADDRESS_STRLEN];

	fprintf(out, "# Only the edge router to which keepalived gave fe80::1 sends these. It is "
		     "not a default router: it announces a route to the\n"
		     "# overlay, with high preference. So the LAN's default gateway does not get "
		     "packets for other sites.\n"
		     "interface %s {\n"
		     "\tAdvSendAdvert on;\n"
		     "\tMinRtrAdvInterval 10;\n"
		     "\tMaxRtrAdvInterval 30;\n"
		     "\tAdvDefaultLifetime 0;\n"
		     "\tAdvCurHopLimit 64;\n"
		     "\tAdvRASrcAddress { fe80::1; };\n", h->lan);
	announce_prefix(out, &site->prefix, 86400, 14400);
	if (site->former.family) {
		fputs("\t# the former prefix: servers use its addresses for no new connections\n",
		      out);
		announce_prefix(out, &site->former, 7200, 0);
	}
	fprintf(out, "\troute %s {\n"
		     "\t\tAdvRoutePreference high;\n"
		     "\t\tAdvRouteLifetime 90;\n"
		     "\t\t# if this router stops, another one takes over with the same address\n"
		     "\t\tRemoveRoute off;\n"
		     "\t};\n"
		     "};\n", prefix_format(&t->overlay, overlay));
}

static void announce_lan(FILE *out, const struct topology_host *h)
{
	struct prefix on_link = gen_lan_prefix(h);
	char prefix[ADDRESS_STRLEN];

	fprintf(out, "# Hosts of the LAN get addresses from the prefix that is routed through the "
		     "tunnel. IPv4 stays unchanged.\n"
		     "interface %s {\n"
		     "\tAdvSendAdvert on;\n"
		     "\tMinRtrAdvInterval 10;\n"
		     "\tMaxRtrAdvInterval 30;\n"
		     "\tprefix %s { };\n"
		     "};\n", h->lan, prefix_format(&on_link, prefix));
}

void gen_radvd(const struct gen *g, const struct topology_host *h)
{
	if (h->role == ROLE_EDGE)
		announce_site(gen_host_file(g, h, 0644, "#", "etc/radvd.conf"), g->t, h);
	else if (h->role == ROLE_ROAMING && !h->openwrt)
		announce_lan(gen_host_file(g, h, 0644, "#", "etc/radvd.conf"), h);
}
