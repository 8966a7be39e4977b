/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * etc/sysctl.d/60-wgxdp.conf of hosts that forward.
 */
#include "gen_host.h"

/* A dot in an interface's name is a slash there */
static void set(FILE *out, const char *interface, const char *what)
{
	fputs("net.ipv6.conf.", out);
	for (; *interface; interface++)
		fputc(*interface == '.' ? '/' : *interface, out);
	fprintf(out, ".%s\n", what);
}

/* Forwarding alone would end what a host has from router advertisements, and its default route with it */
static void forwarding(FILE *out, const struct topology_host *h, bool ipv4)
{
	fprintf(out, "%snet.ipv6.conf.all.forwarding = 1\n", ipv4 ? "net.ipv4.conf.all.forwarding = 1\n" : "");
	fprintf(out, "# who forwards takes router advertisements only so; where there are none this changes nothing\n");
	set(out, h->interface, "accept_ra = 2");
}

static void edge(FILE *out, const struct topology_host *h)
{
	fputs("# also while another edge router is the active one: who takes over has to be a router at once, or servers forget their routes by it\n", out);
	forwarding(out, h, false);
	fputs("# what the other edge routers of the site announce is not for this one\n", out);
	set(out, h->lan, "accept_ra = 0");
}

void gen_sysctl(const struct gen *g, const struct topology_host *h)
{
	static const char path[] = "etc/sysctl.d/60-wgxdp.conf";

	if (h->role == ROLE_EDGE) {
		edge(gen_host_file(g, h, 0644, "#", path), h);
	} else if (h->role == ROLE_RELAY || h->role == ROLE_GATEWAY || h->role == ROLE_FIREWALL || (h->role == ROLE_ROAMING && !h->openwrt)) {
		FILE *out = gen_host_file(g, h, 0644, "#", path);

		forwarding(out, h, h->role != ROLE_RELAY || h->blind);
		if (h->exit.proxy_ndp) {
			fputs("# it answers for the clients that have addresses of this link\n", out);
			set(out, h->interface, "proxy_ndp = 1");
		}
	}
}
