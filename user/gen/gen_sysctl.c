/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * etc/sysctl.d/60-wgxdp.conf of hosts that forward.
 */
#include "gen/gen_host.h"

/* sysctl writes a dot in an interface's name as a slash */
static void set(FILE *out, const char *interface, const char *what)
{
	fputs("net.ipv6.conf.", out);
	for (; *interface; interface++)
		fputc(*interface == '.' ? '/' : *interface, out);
	fprintf(out, ".%s\n", what);
}

/* Without this, forwarding would disable router advertisements, and with them the default route */
static void keep_autoconfiguration(FILE *out, const struct topology_host *h)
{
	fputs("# who forwards takes router advertisements only so; where there are none this "
	      "changes nothing\n", out);
	set(out, h->interface, "accept_ra = 2");
}

static void edge(FILE *out, const struct topology_host *h)
{
	fputs("# also while another edge router is the active one: who takes over has to be a "
	      "router at once, or servers forget their routes by it\n"
	      "net.ipv6.conf.all.forwarding = 1\n", out);
	keep_autoconfiguration(out, h);
	fputs("# what the other edge routers of the site announce is not for this one\n", out);
	set(out, h->lan, "accept_ra = 0");
}

static void router(FILE *out, const struct topology_host *h)
{
	if (h->role != ROLE_RELAY || h->blind)
		fputs("net.ipv4.conf.all.forwarding = 1\n"
		      "net.ipv6.conf.all.forwarding = 1\n", out);
	else
		fputs("# IPv6 is forwarded while " WG_ROUTING " is up: its file sees to that\n",
		      out);
	keep_autoconfiguration(out, h);
	if (h->exit.proxy_ndp) {
		fputs("# it answers for the clients that have addresses of this link\n", out);
		set(out, h->interface, "proxy_ndp = 1");
	}
}

void gen_sysctl(const struct gen *g, const struct topology_host *h)
{
	static const char path[] = "etc/sysctl.d/60-wgxdp.conf";

	if (h->role == ROLE_EDGE)
		edge(gen_host_file(g, h, 0644, "#", path), h);
	else if (h->role == ROLE_RELAY || h->role == ROLE_GATEWAY || h->role == ROLE_FIREWALL ||
		 (h->role == ROLE_ROAMING && !h->openwrt))
		router(gen_host_file(g, h, 0644, "#", path), h);
}
