/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Writes the files for the system of a host: sysctls, addresses, and the order of units.
 */
#include <endian.h>
#include <string.h>
#include "gen/gen_host.h"

/* ---- etc/sysctl.d/60-wgxdp.conf of hosts that forward ---- */

/* Writes a sysctl of an interface, in whose name a slash stands for each dot, see sysctl.d(5). */
static void put_sysctl(FILE *out, const char *interface, const char *what)
{
	fputs("net.ipv6.conf.", out);
	for (; *interface; interface++)
		fputc(*interface == '.' ? '/' : *interface, out);
	fprintf(out, ".%s\n", what);
}

/* Returns whether the default route may come by router advertisements that the kernel reads: the
 * topology has no next hop for the interface, and no file of ours makes networkd read them. */
static bool kernel_reads_ra(const struct topology *t, const struct topology_host *h)
{
	return h->role == ROLE_EDGE ? !gen_has_networkd(h) :
	       !gen_is_pair(t, h) || !topology_gateway(&t->shared, FAMILY_IPV6);
}

void gen_sysctl(const struct gen *g, const struct topology_host *h)
{
	FILE *out;

	if (h->role == ROLE_SERVER || h->role == ROLE_CLIENT || h->openwrt)
		return;
	out = gen_host_file(g, h, 0644, "#", "etc/sysctl.d/60-wgxdp.conf");
	if (h->role == ROLE_EDGE)
		fputs("# Forwarding stays on while another edge router is active. Otherwise "
		      "servers\n# would lose their routes when this one takes over.\n", out);
	if (!g->t->n_tcp_ports || h->role == ROLE_GATEWAY || h->role == ROLE_ROAMING)
		fputs("# This host forwards between all its interfaces. Its own rules decide about "
		      "packets that do not pass the tunnel.\n", out);
	if (kernel_reads_ra(g->t, h)) {
		fputs("# First this, so that the interface keeps its default route when forwarding begins. "
		      "Without router\n# advertisements, or with networkd: remove it.\n", out);
		put_sysctl(out, h->interface, "accept_ra = 2");
	}
	if (h->role == ROLE_EDGE ? g->t->sites[h->site].ipv4.family :
				   h->role != ROLE_RELAY || h->blind)
		fputs("net.ipv4.conf.all.forwarding = 1\n", out);
	fputs("net.ipv6.conf.all.forwarding = 1\n", out);
	if (h->exit.proxy_ndp) {
		fputs("# answer neighbour solicitations for clients that have addresses of this "
		      "link\n", out);
		put_sysctl(out, h->interface, "proxy_ndp = 1");
	}
}

/* etc/systemd/network/ of a site's hosts. Relays, gateways and firewalls get their addresses
 * from their providers, clients from any network: they have no such files. */

static FILE *network_file(const struct gen *g, const struct topology_host *h, const char *interface)
{
	FILE *out = gen_host_file(g, h, 0644, "#", "etc/systemd/network/20-%s.network", interface);

	fprintf(out, "[Match]\nName=%s\n\n", interface);
	return out;
}

static void server_network(const struct gen *g, const struct topology_host *h)
{
	struct address token = { .addr.q[1] = htobe64(h->number), .family = FAMILY_IPV6 };
	char text[ADDRESS_STRLEN];

	fprintf(network_file(g, h, h->interface), "# The site's prefix and the route to other "
		"sites come from router advertisements.\n"
		"# The last part of the address is always the same.\n"
		"[Network]\n"
		"DHCP=no\n"
		"IPv6AcceptRA=true\n"
		"IPv6PrivacyExtensions=no\n"
		"LinkLocalAddressing=ipv6\n\n"
		"[IPv6AcceptRA]\n"
		"Token=static:%s\n"
		"# needs systemd 256; with an older one, the kernel handles redirects\n"
		"UseRedirect=true\n", address_format(&token, text));
}

bool gen_has_networkd(const struct topology_host *h)
{
	return strncmp(h->interface, "ppp", 3);
}

static void edge_wan(const struct gen *g, const struct topology_host *h)
{
	char text[ADDRESS_STRLEN];
	FILE *out;

	if (!gen_has_networkd(h))
		return;
	out = network_file(g, h, h->interface);
	fputs("[Network]\n", out);
	for (size_t i = 0; i < h->n_addresses; i++)
		fprintf(out, "Address=%s/%u\n", address_format(&h->addresses[i], text),
			h->addresses[i].family == FAMILY_IPV4 ? h->len4 : h->len6);
	for (size_t i = 0; i < h->n_gateways; i++)
		fprintf(out, "Gateway=%s\n", address_format(&h->gateways[i], text));
	fprintf(out, "DHCP=%s\n", h->len4 && h->len6 ? "no" : h->len4 ? "ipv6" : h->len6 ? "ipv4" :
		"yes");
	fputs(h->len6 ? "IPv6AcceptRA=false\n" :
	      "# accept router advertisements although this host forwards\n"
	      "IPv6AcceptRA=true\n", out);
}

static void edge_lan(const struct gen *g, const struct topology_host *h)
{
	char text[ADDRESS_STRLEN];

	fprintf(network_file(g, h, h->lan), "# fe80::1 comes and goes by keepalived; "
		"what the other " "edge routers announce is not for this one\n"
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
		server_network(g, h);
	} else if (h->role == ROLE_EDGE) {
		edge_wan(g, h);
		edge_lan(g, h);
	}
}

/* etc/systemd/system/UNIT.d/wgxdp.conf: ordering that the units lack, and the end of a tunnel
 * whose keepalived died. */

static FILE *drop_in(const struct gen *g, const struct topology_host *h, const char *unit)
{
	return gen_host_file(g, h, 0644, "#", "etc/systemd/system/%s.service.d/wgxdp.conf", unit);
}

static void edge_units(const struct gen *g, const struct topology_host *h)
{
	fprintf(drop_in(g, h, "keepalived"), "# Whenever keepalived ends, remove the tunnel and "
		"the address, because another edge router takes them over.\n"
		"[Unit]\n"
		"After=" GEN_RULES_UNIT ".service systemd-networkd.service\n\n"
		"[Service]\n"
		"Restart=on-failure\n"
		"RestartSec=5\n"
		"ExecStopPost=/etc/keepalived/" WG_ROUTING " INSTANCE %s STOP 0\n"
		"# After keepalived's own reload, because the file of the tunnel may have other "
		"peers.\n"
		"ExecReload=/etc/keepalived/" WG_ROUTING " INSTANCE %s RELOAD 0\n",
		g->t->sites[h->site].name, g->t->sites[h->site].name);
	fputs("# radvd announces from the address that keepalived sets, and waits until this host "
	      "has it.\n"
	      "[Unit]\n"
	      "After=keepalived.service\n\n"
	      "[Service]\n"
	      "Restart=on-failure\n"
	      "RestartSec=5\n", drop_in(g, h, "radvd"));
	fputs("# keepalived starts this tunnel with wg-quick: only the active edge router is "
	      "connected to the relay.\n"
	      "[Unit]\n"
	      "ConditionPathExists=!/etc/keepalived/" WG_ROUTING "\n",
	      drop_in(g, h, "wg-quick@" WG_ROUTING));
}

#define RELOAD "etc/wireguard/wgxdp-reload"

static void reload_script(const struct gen *g, const struct topology_host *h)
{
	static const char script[] =
#include "wgxdp-reload.h"
		"";

	fputs(script, gen_host_file(g, h, 0700, "#!/bin/sh\n#", RELOAD));
}

static void reload_wireguard(const struct gen *g, const struct topology_host *h, const char *device)
{
	char unit[32];

	snprintf(unit, sizeof(unit), "wg-quick@%s", device);
	fputs("# `systemctl reload` adds and removes peers and their routes without interrupting "
	      "other peers.\n"
	      "[Service]\n"
	      "ExecReload=\n"
	      "ExecReload=/bin/sh /" RELOAD " %i\n", drop_in(g, h, unit));
}

/* Writes the line WORD= of a systemd unit, such as Wants=, with the units of all tunnels. */
static void put_tunnels(FILE *out, const struct gen *g, const struct topology_host *h,
			const char *device, const char *word)
{
	char between[GEN_BETWEEN];

	fprintf(out, "%s=wg-quick@%s.service", word, device);
	for_each_other_relay(other, g->t, h)
		fprintf(out, " wg-quick@%s.service", gen_between(other, between));
	putc('\n', out);
}

/* wgxdp-daemon.service starts after wgxdp.service. */
static void after_wireguard(const struct gen *g, const struct topology_host *h, const char *device)
{
	FILE *out = drop_in(g, h, "wgxdp");

	fputs("# start after the tunnels, so that their peers are known from the beginning\n"
	      "[Unit]\n", out);
	put_tunnels(out, g, h, device, "Wants");
	put_tunnels(out, g, h, device, "After");
	/* A relay that calls sites after a boot draws them away from the relay that they have
	 * changed to. */
	if (h->blind && h->shares && !gen_is_pair(g->t, h))
		fputs("\n# forget the sites, which are at another relay now\n[Service]\n"
		      "ExecStartPre=+rm -f /var/lib/wgxdp/default/blind\n", out);
}

void gen_units(const struct gen *g, const struct topology_host *h)
{
	char device[GEN_BETWEEN];

	if (h->role != ROLE_CLIENT && h->role != ROLE_FIREWALL && !h->openwrt &&
	    (h->role != ROLE_SERVER || h->mesh.family))
		reload_script(g, h);
	if (h->role == ROLE_EDGE) {
		edge_units(g, h);
	} else if (h->role == ROLE_RELAY) {
		reload_wireguard(g, h, WG_ROUTING);
		for_each_other_relay(other, g->t, h)
			reload_wireguard(g, h, gen_between(other, device));
		after_wireguard(g, h, WG_ROUTING);
	} else if (h->role == ROLE_SERVER && h->mesh.family) {
		reload_wireguard(g, h, WG_MESH);
	} else if (h->role == ROLE_GATEWAY) {
		reload_wireguard(g, h, WG_CLIENTS);
		if (gen_roaming_of(g->t, h))
			after_wireguard(g, h, WG_CLIENTS);
	} else if (h->role == ROLE_ROAMING && !h->openwrt) {
		reload_wireguard(g, h, WG_CLIENTS);
		fputs("# start after the tunnel, because the announced prefix is routed through "
		      "it\n"
		      "[Unit]\n"
		      "After=wg-quick@" WG_CLIENTS ".service\n", drop_in(g, h, "radvd"));
	}
}
