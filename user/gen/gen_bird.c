/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * etc/bird/bird.conf of relays that share a key: by BGP, through the tunnels between them, relays
 * tell each other which sites they have.
 */
#include "gen/gen_host.h"

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
