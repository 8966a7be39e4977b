/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Writes HOST/README.md: it says what to install, where each file goes, what to start and how to
 * check it. It names only files that the host has.
 */
#include <endian.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>
#include "gen/gen_files.h"
#include "gen/gen_host.h"
#include "gen/nft.h"
#include "lib/text.h"

static const struct part {
	const char *path; /* path on the host: a shell pattern, or a directory if it ends in / */
	const char *package;		/* package that the file needs; NULL: none */
	const char *what;
	const char *start; /* shell commands that start it, one a line; NULL: nothing to start */
	const char *reload; /* command that applies a change; NULL: the commands of start do */
} parts[] = {
	{ "etc/sysctl.d/", NULL, "forwarding",
	  "sysctl -p /etc/sysctl.d/60-wgxdp.conf" },
	{ "etc/systemd/network/", NULL, "systemd-networkd: addresses",
	  "systemctl enable --now systemd-networkd\nnetworkctl reload" },
	{ "etc/systemd/system/", NULL, "systemd: units", "systemctl daemon-reload",
	  "systemctl daemon-reload" },
	{ GEN_RULES, "nftables", "nftables: one more table beside the host's own tables",
	  "systemctl enable " GEN_RULES_UNIT "\n"
	  "systemctl reload-or-restart " GEN_RULES_UNIT, "systemctl reload " GEN_RULES_UNIT },
	{ "etc/wireguard/" WG_ROUTING ".conf", "wireguard-tools",
	  "WireGuard: the tunnel between sites and relays", NULL },
	{ "etc/wireguard/" TOPOLOGY_BETWEEN "*.conf", "wireguard-tools",
	  "WireGuard: the tunnel to another relay", NULL },
	{ "etc/wireguard/" WG_MESH ".conf", "wireguard-tools",
	  "WireGuard: the tunnels from server to server", NULL },
	{ "etc/wireguard/" WG_CLIENTS ".conf", "wireguard-tools",
	  "WireGuard: the tunnel between gateway and clients", NULL },
	{ "etc/wireguard/*-privatekey", NULL,
	  "the private key of this tunnel; only root may read it", NULL },
	{ "etc/wireguard/*-publickey", NULL,
	  "the public key of this tunnel, which the other hosts have", NULL },
	{ "etc/wireguard/wgxdp-reload", NULL,
	  "the script that gives a running tunnel its new peers and routes", NULL },
	{ "etc/keepalived/", "keepalived",
	  "keepalived: decides which of the hosts with a common address is active",
	  "systemctl enable keepalived\nsystemctl restart keepalived",
	  "systemctl reload keepalived" },
	{ "etc/radvd.conf", "radvd", "radvd: announces prefixes and routes in the LAN",
	  "systemctl enable radvd\nsystemctl restart radvd", "systemctl reload radvd" },
	{ "etc/wgxdp/", NULL, "wgxdp's configuration",
	  "systemctl enable wgxdp wgxdp-daemon\nsystemctl restart wgxdp wgxdp-daemon",
	  "systemctl reload wgxdp-daemon" },
	{ "etc/bird/bird.conf", "bird2", "BIRD: tells the other relays which sites are connected "
					 "here",
	  "systemctl enable bird\nsystemctl reload-or-restart bird", "systemctl reload bird" },
};
#define N_PARTS (sizeof(parts) / sizeof(*parts))

static bool belongs(const struct part *part, const char *path)
{
	size_t n = strlen(part->path);

	return part->path[n - 1] == '/' ? !strncmp(path, part->path, n) :
	       !fnmatch(part->path, path, 0);
}

/* Returns the host's next file that belongs to a part (an entry of `parts`), as a path below the
 * host's root. Returns NULL after the last one. *at must be 0 before the first call. */
static const char *next_file(const struct gen *g, const struct topology_host *h,
			     const struct part *part, size_t *at)
{
	char root[TOPOLOGY_NAME + 2];
	const char *path;

	snprintf(root, sizeof(root), "%s/", h->name);
	while ((path = gen_files_next(g->files, root, at)))
		if (belongs(part, path + strlen(root)))
			return path + strlen(root);
	return NULL;
}

static bool has_part(const struct gen *g, const struct topology_host *h, const struct part *part)
{
	size_t at = 0;

	return next_file(g, h, part, &at);
}

/* Returns whether the set has this file for the host or, if the path ends in /, a file below it. */
static bool has_file(const struct gen *g, const struct topology_host *h, const char *path)
{
	return has_part(g, h, &(struct part){ .path = path });
}

static void put_head(FILE *out, const struct topology *t, const struct topology_host *h)
{
	const char *gateway = t->hosts[h->gateway].name;
	char name[GEN_NAME];

	fprintf(out, "<!-- SPDX-License-Identifier: GPL-2.0-or-later; made by `wgxdp gen hosts` "
		"-->\n# %s\n\n", gen_host_name(t, h, name));
	if (h->shares && h->blind)
		fputs(gen_is_pair(t, h) ?
		      "This is one of two relays with a common address. The active one forwards "
		      "packets between the sites' edge routers, and cannot read them.\n" :
		      "This is one of several relays. All edge routers send to the same one, and "
		      "change to another one if it is silent. That relay forwards packets\n"
		      "between the sites' edge routers, and cannot read them.\n", out);
	else if (h->shares)
		fputs("This is one of several relays. Each site's edge router has a tunnel to one "
		      "of them.\n"
		      "The relay forwards from site to site, or to the relay of the other site.\n",
		      out);
	else if (h->blind)
		fputs("This is the relay. It forwards packets between the sites' edge routers, and "
		      "cannot read them.\n", out);
	else if (h->role == ROLE_RELAY)
		fprintf(out, "This is the relay. It carries IPv6 between sites: %s%s%s to the "
			     "policy's ports, and ICMPv6. It sees the contents of what passes.\n",
			t->policy.n_udp_ports ? "UDP" : "", t->policy.n_udp_ports &&
			t->policy.n_tcp_ports ? " and " : "", t->policy.n_tcp_ports ? "TCP" : "");
	else if (h->role == ROLE_EDGE)
		fprintf(out, "This is an edge router of site %s. Its interface %s leads to the "
			     "internet, and %s to the site's LAN.\n",
			     t->sites[h->site].name, h->interface, h->lan);
	else if (h->role == ROLE_SERVER)
		fprintf(out, "This is a server of site %s.\n", t->sites[h->site].name);
	else if (h->role == ROLE_GATEWAY)
		fputs("This is the gateway: clients connect to its WireGuard.\n", out);
	else if (h->role == ROLE_CLIENT)
		fprintf(out, "This is a client of %s.\n", gateway);
	else if (h->role == ROLE_ROAMING)
		fprintf(out, "This is a router that moves between networks, and keeps a tunnel to "
			     "%s.\n", gateway);
	else
		fprintf(out, "This is a firewall. It forwards the packets of WireGuard clients to "
			     "%s.\n", gateway);
}

/* ---- keys ---- */

static void two_commands(FILE *out, const char *device)
{
	fprintf(out, "    umask 077; wg genkey > /etc/wireguard/%s-privatekey\n"
		"    wg pubkey < /etc/wireguard/%s-privatekey\n", device, device);
}

static void put_key(FILE *out, const struct gen *g, const struct topology_host *h)
{
	const char *device = gen_device(h);

	if (!gen_key_is_given(g, h, device))
		return;
	fprintf(out, "\n"
		     "### Its key\n"
		     "\n"
		     "The topology has only %s public key. The private key is not in this "
		     "directory, but on the host, in\n"
		     "/etc/wireguard/%s-privatekey, from which %s.conf reads it. These two "
		     "commands create a new one there.\n"
		     "The second one prints the `public-key` to write into the topology:\n"
		     "\n",
		h->role == ROLE_EDGE ? "the site's" : h->shares ? "the relays'" : "this host's",
		device, device);
	two_commands(out, device);
	if (h->role == ROLE_EDGE)
		fputs("\nAll edge routers of the site have the same key.\n", out);
	if (h->shares)
		fputs("\nAll relays have the same key.", out);
	if (gen_has_tunnels(g->t, h))
		fputs(" The keys of the tunnels between relays are in this directory.", out);
	if (h->shares)
		putc('\n', out);
}

/* ---- without wg-quick ---- */

static void put_app(FILE *out, const struct gen *g, const struct topology_host *h)
{
	if (h->role != ROLE_CLIENT)
		return;
	fputs("\n### Alternatively: WireGuard's app, on a phone or another system\n\n", out);
	if (!gen_private_key(g, h, WG_CLIENTS))
		fputs("Create a tunnel in the app by hand, with the lines of wg0.conf except "
		      "PostUp. The app creates the private key.\n", out);
	else
		fputs("Import etc/wireguard/wg0.conf, or scan the QR code that this command "
		      "prints (package qrencode):\n\n"
		      "    qrencode -t ansiutf8 < etc/wireguard/wg0.conf\n\n"
		      "Keep both secret: they contain the private key.\n\n"
		      "NetworkManager makes a connection of it:\n\n"
		      "    nmcli connection import type wireguard file etc/wireguard/wg0.conf\n",
		      out);
}

static void put_openwrt(FILE *out, const struct gen *g, const struct topology_host *h)
{
	char name[TOPOLOGY_NAME];

	fprintf(out, "\n## 1. Install\n\n"
		"OpenWrt, and there\n\n"
		"    opkg update && opkg install wireguard-tools\n"
		"\n## 2. Copy the files\n\n"
		"| file | what it is |\n| --- | --- |\n"
		"| etc/config/network.uci | what its network gets besides, by the commands below; "
		"not to be copied there |\n");
	if (has_file(g, h, "etc/wireguard/" WG_CLIENTS ".conf"))
		fputs("| etc/wireguard/ | the same for wg-quick, should this be no OpenWrt one "
		      "day; not needed |\n", out);
	fprintf(out, "\n"
		     "Run this command in this directory, and again after each change:\n"
		     "\n"
		     "    ssh root@%s 'for s in " WG_CLIENTS " " WG_CLIENTS "_%s " WG_CLIENTS
		"_lan; do uci -q delete network.$s; done;\n"
		"        uci -m import network; uci commit network; /etc/init.d/network reload' < "
		"etc/config/network.uci\n", h->name, gen_uci_name(&g->t->hosts[h->gateway], name));
	if (h->key_given) {
		fputs("\nThe private key is not in the file, because the topology has only the "
		      "public key. Run these three commands on the router.\n"
		      "The first two create a key, and print the `public-key` to write into the "
		      "topology. Repeat the third after each import:\n\n", out);
		two_commands(out, WG_CLIENTS);
		fputs("    uci set network." WG_CLIENTS ".private_key=\"$(cat /etc/wireguard/"
		      WG_CLIENTS "-privatekey)\"; uci commit network\n", out);
	}
	fputs("\nThese commands let the LAN into the tunnel, and announce its prefix in the "
	      "LAN:\n\n"
	      "    uci add_list firewall.@zone[1].network=" WG_CLIENTS "; uci commit firewall; "
	      "/etc/init.d/firewall reload\n"
	      "    uci set dhcp.lan.ra=server; uci commit dhcp; /etc/init.d/odhcpd restart\n\n"
	      "Check with `uci show firewall` that zone 1 is the zone of the internet.\n", out);
}

/* ---- 3. how to check that it works ---- */

static void ping(FILE *out, const struct address *a, const char *whom)
{
	char text[ADDRESS_STRLEN];

	if (a->family)
		fprintf(out, "| `ping -c 3 %s` | %s answers |\n", address_format(a, text), whom);
}

static void verify_files(FILE *out, const struct gen *g, const struct topology_host *h)
{
	if (has_file(g, h, GEN_RULES))
		fputs("| `nft -c -f /" GEN_RULES "` | nothing: the rules are right; `nft list "
		      "ruleset` shows those that run |\n", out);
	if (has_file(g, h, "etc/keepalived/"))
		fputs("| `keepalived -t` | its file is right |\n", out);
	if (h->role == ROLE_EDGE)
		fprintf(out, "| `ip -6 address show dev %s` | fe80::1 on one edge router of the "
			"site, the active one |\n", h->lan);
	if (has_file(g, h, "etc/radvd.conf"))
		fputs("| `radvd -c` | its file is right |\n", out);
	if (has_file(g, h, "etc/wgxdp/"))
		fputs("| `wgxdp check` | valid, and the host has what the file names |\n"
		      "| `wgxdp show` | what passes, and what is dropped and why |\n", out);
}

static void verify_site(FILE *out, const struct topology *t, const struct topology_host *h)
{
	char text[ADDRESS_STRLEN], prefix[ADDRESS_STRLEN], overlay[ADDRESS_STRLEN];

	fprintf(out, "| `ip -6 address show dev %s` | %s |\n", h->interface,
		address_format(&h->lan6, text));
	fprintf(out, "| `rdisc6 %s` | among others from fe80::1: prefix %s, route %s |\n",
		h->interface, prefix_format(&t->sites[h->site].prefix, prefix),
		prefix_format(&t->overlay, overlay));
	for_each_host(other, t)
		if (h->mesh.family && other->role == ROLE_SERVER && other != h)
			ping(out, &other->mesh, other->name);
}

static void verify_sharing(FILE *out, const struct topology *t, const struct topology_host *h)
{
	if (gen_is_pair(t, h))
		fputs("| `wgxdp show sites` | the place of each site, and each other relay with a "
		      "latest message some seconds ago |\n", out);
	else if (h->blind)
		fputs("| `wgxdp show sites` | the place of each site, if the edge routers are at "
		      "this relay |\n", out);
	else
		fprintf(out, "| `ip -6 route show table %d` | the sites that are alive here |\n"
			"| `birdc show protocols` | each other relay Established |\n"
			"| `wgxdp show routes` | by which peer each site is: itself, or the relay "
			"where it is |\n", GEN_TABLE);
	for_each_other_relay(other, t, h) {
		struct address at = topology_between(t, other, h);

		ping(out, &at, other->name);
	}
}

static void verify_tunnels(FILE *out, const struct topology *t, const struct topology_host *h)
{
	if (h->role == ROLE_RELAY || h->role == ROLE_EDGE)
		fprintf(out, "| `wg show " WG_ROUTING "` | %s |\n",
			h->role == ROLE_EDGE ? "on the active edge router, the relay has a latest "
					       "handshake less than three minutes ago" :
			h->shares ? "each site that is connected here has a latest handshake less "
				    "than three minutes ago" :
			"each site has a latest handshake less than three minutes ago");
	if (h->shares)
		verify_sharing(out, t, h);
	else if (h->role == ROLE_EDGE && *t->shared.name)
		ping(out, &t->shared.tunnel, "on the active edge router, the relay");
	if (*t->shared.name)
		return;
	for_each_host(other, t)
		if (h->role == ROLE_EDGE && other->role == ROLE_RELAY)
			ping(out, &other->tunnel, "on the active edge router, the relay");
		/* All edge routers of a site have one address inside the tunnel. */
		else if (h->role == ROLE_RELAY && other->role == ROLE_EDGE && other->number == 1)
			ping(out, &other->tunnel, t->sites[other->site].name);
}

static bool is_in(const struct topology_host *h, const struct prefix *network)
{
	for (size_t i = 0; i < h->n_inside; i++)
		if (prefix_covers(network, &h->inside[i]))
			return true;
	return false;
}

static void verify_client(FILE *out, const struct topology *t, const struct topology_host *h,
			  const struct topology_host *gateway)
{
	for (size_t i = 0; i < gateway->n_inside; i++)
		if (is_in(h, &gateway->networks[i]))
			ping(out, &gateway->inside[i], gateway->name);
	fputs("| `wg show " WG_CLIENTS "` | a latest handshake |\n", out);
	for (size_t i = 0; i < t->n_dns && !h->n_split; i++)
		if (gen_leads_to(t, h, &t->dns[i]))
			ping(out, &t->dns[i], "a host in the internet, through the tunnel,");
}

static void put_verify(FILE *out, const struct gen *g, const struct topology_host *h)
{
	const struct topology *t = g->t;

	fputs("\n## 3. Check that it works\n\n"
	      "| on this host | what it must show |\n| --- | --- |\n", out);
	verify_files(out, g, h);
	verify_tunnels(out, t, h);
	if (h->role == ROLE_SERVER)
		verify_site(out, t, h);
	if (h->role == ROLE_GATEWAY)
		fputs("| `wg show " WG_CLIENTS
		      "` | of each client that is there just now a latest handshake |\n", out);
	if (h->role == ROLE_CLIENT || h->role == ROLE_ROAMING)
		verify_client(out, t, h, &t->hosts[h->gateway]);
}

/* ---- 1. what to install ---- */

/* Returns whether an earlier part of the host needs the same package. */
static bool is_repeated(const struct gen *g, const struct topology_host *h, const struct part *part)
{
	for (const struct part *p = parts; p < part; p++)
		if (p->package && !strcmp(p->package, part->package) && has_part(g, h, p))
			return true;
	return false;
}

static void put_package(FILE *out, const char **before, const char *package)
{
	fprintf(out, "%s %s", *before, package);
	*before = "";
}

static void install(FILE *out, const struct gen *g, const struct topology_host *h)
{
	const char *before = "    apt install";
	bool dns = false;

	fputs(h->role == ROLE_CLIENT ? "\n## 1. Install\n\nOn Linux (for phones and other systems, "
				       "see *app* below):\n\n" : "\n## 1. Install\n\n", out);
	for (const struct part *p = parts; p < parts + N_PARTS; p++)
		if (p->package && has_part(g, h, p) && !is_repeated(g, h, p))
			put_package(out, &before, p->package);
	for (size_t i = 0; i < g->t->n_dns; i++)
		dns |= h->role == ROLE_CLIENT && gen_leads_to(g->t, h, &g->t->dns[i]);
	if (dns)
		put_package(out, &before, "openresolv");
	if (h->role == ROLE_SERVER)
		put_package(out, &before, "ndisc6");
	fputs(*before ? "Nothing needs to be installed.\n" : "\n", out);
	if (has_file(g, h, "etc/wgxdp/"))
		fputs("\nInstall wgxdp itself as its docs/guides/install.md says.\n", out);
}

/* ---- 2. where each file goes ---- */

static void files(FILE *out, const struct gen *g, const struct topology_host *h)
{
	fputs("\n## 2. Copy the files\n\n"
	      "The files have the same paths here as on the host:\n\n"
	      "| file | what it is |\n"
	      "| --- | --- |\n", out);
	for (size_t i = 0; i < N_PARTS; i++) {
		const char *path;
		size_t at = 0;

		while ((path = next_file(g, h, &parts[i], &at)))
			fprintf(out, "| /%s | %s |\n", path, parts[i].what);
	}
	fprintf(out, "\n`../rollout %s` copies them to the host and starts the services. It shows "
		"the changes, and keeps a copy of the former files.\n"
		"It restores them after a minute, unless you run `../rollout --confirm %s`. "
		"`../rollout --dry-run %s` only shows the changes.\n\n"
		"To copy them by hand, run this in this directory. It sets owners and modes, and "
		"overwrites existing files:\n\n"
		"    tar -c etc | ssh root@%s tar -x -C / --no-same-owner --no-overwrite-dir\n",
		h->name, h->name, h->name, h->name);
}

/* ---- what the host has already: its network, its rules ---- */

/* Prints the contents of the files for networkd, for a host with another network manager. */
static void put_network(FILE *out, const struct gen *g, const struct topology_host *h)
{
	bool server = h->role == ROLE_SERVER;
	const char *device = server ? h->interface : h->lan;
	struct address token = { .addr.q[1] = htobe64(h->number), .family = FAMILY_IPV6 };
	char text[ADDRESS_STRLEN];

	fputs("\n### Its network\n\n", out);
	if (!has_file(g, h, "etc/systemd/network/")) {
		fputs("No file here configures the host's other interfaces. Configure them with "
		      "networkd, ifupdown or NetworkManager as before.\n", out);
		return;
	}
	address_format(server ? &token : &h->lan6, text);
	fprintf(out, "The files for systemd-networkd are for a host whose interfaces no other "
		"program configures. If ifupdown (/etc/network/interfaces)\nor NetworkManager "
		"configures them, leave the files out (`../rollout --without-network %s`), and "
		"write instead:\n\n", h->name);
	if (server)
		fprintf(out, "    ifupdown          iface %s inet6 auto\n"
			"                          privext 0\n"
			"                          pre-up ip token set %s dev %s\n"
			"    NetworkManager    nmcli connection modify %s ipv6.method auto "
			"ipv6.addr-gen-mode eui64 ipv6.token %s ipv6.ip6-privacy 0\n",
			device, text, device, device, text);
	else
		fprintf(out, "    ifupdown          iface %s inet6 static\n"
			"                          address %s/64\n"
			"                          accept_ra 0\n"
			"    NetworkManager    nmcli connection modify %s ipv6.method manual "
			"ipv6.addresses %s/64\n\n"
			"There too, %s gets what etc/systemd/network/20-%s.network says. For "
			"ifupdown, router advertisements need `accept_ra 2`.\n",
			device, text, device, text, h->interface, h->interface);
	fprintf(out, "\nThe files set no IPv4 on %s. If the LAN has some, write it into a file "
		"that `wgxdp gen hosts` never touches, and run `networkctl reload`:\n\n"
		"    /etc/systemd/network/20-%s.network.d/ipv4.conf\n"
		"        [Network]\n"
		"        Address=192.168.1.2/24\n\n"
		"For a DHCP server in the LAN, it is `DHCP=ipv4`.\n", device, device);
}

/* Prints the routes by which hosts of the LAN reach the IPv4 LANs of other sites. */
static void put_ipv4_routes(FILE *out, const struct topology *t, const struct topology_host *h)
{
	const struct topology_site *own = &t->sites[h->site];
	char text[ADDRESS_STRLEN];
	size_t n = 0;

	for_each_site(s, t) {
		if (h->role != ROLE_EDGE || !gen_joins_ipv4(own, s))
			continue;
		if (!n++)
			fprintf(out, "\n### IPv4 to other sites\n\n"
				"Hosts of %s reach the LANs of other sites through the IPv4 "
				"address of this router on %s. If another router is their\n"
				"default router, it needs these routes:\n\n",
				prefix_format(&own->ipv4, text), h->lan);
		fprintf(out, "    %s (%s) via the IPv4 address of %s\n",
			prefix_format(&s->ipv4, text), s->name, h->name);
	}
}

static void put_tcp_ports(FILE *out, const struct topology *t, const struct topology_host *h)
{
	bool ssh = false;

	fputs("Packets to this host itself must pass these rules too. They accept TCP to the ports",
	      out);
	nft_put_ports(out, " ", t->tcp_ports, t->n_tcp_ports);
	for (size_t i = 0; i < t->n_tcp_ports; i++)
		ssh |= t->tcp_ports[i].first <= 22 && t->tcp_ports[i].last >= 22;
	fprintf(out, " (`tcp-ports` in the topology) from everywhere,\n%s, DHCP, ICMP and replies. They drop everything else.\n\n",
		h->role == ROLE_EDGE && !h->port ? "VRRP and router solicitations from the LAN" : "WireGuard");
	if (!ssh)
		fputs("**They block SSH**, because its port 22 is not in the list. Existing "
		      "connections continue, and new ones get no answer.\n\n", out);
}

static void put_rules(FILE *out, const struct gen *g, const struct topology_host *h)
{
	bool by_ports = h->role == ROLE_RELAY || h->role == ROLE_EDGE || h->role == ROLE_FIREWALL;
	char *needs = NULL;
	size_t n = 0;
	FILE *text = text_open(&needs, &n);

	gen_nft_needs(text, g->t, h);
	fclose(text);
	if (n || h->role == ROLE_FIREWALL)
		fputs("\n### Its own rules\n\n", out);
	if (has_file(g, h, GEN_RULES))
		fputs("/etc/nftables.conf and this host's other tables stay unchanged. /"
		      GEN_RULES " adds the table `inet wgxdp_host`.\n"
		      GEN_RULES_UNIT ".service loads it at boot, and after `systemctl reload nftables`. After any other command that flushes the ruleset, run\n"
		      "`systemctl reload " GEN_RULES_UNIT "`.\n\n", out);
	else if (n || h->role == ROLE_FIREWALL)
		fputs("No file here has nftables rules: this host's own rules stay unchanged.\n\n", out);
	if (by_ports && g->t->n_tcp_ports)
		put_tcp_ports(out, g->t, h);
	else if (h->role == ROLE_FIREWALL && *h->lan)
		fputs("To get a packet filter for this host and its LAN, add `tcp-ports: [ 22 ]` "
		      "to the topology. It then lets in only SSH, WireGuard,\nICMP and replies, "
		      "and masquerades the LAN. It drops everything else from outside.\n\n", out);
	else if (by_ports)
		fputs("To get a packet filter for this host, add `tcp-ports: [ 22 ]` to the "
		      "topology. It then accepts only SSH, WireGuard, ICMP and replies.\n\n", out);
	if (n)
		fprintf(out, "A packet passes only if the chains of all nftables tables accept it. "
			     "If this host's own rules drop packets by default, let them "
			     "accept:\n\n%s", needs);
	free(needs);
}

/* ---- what to start ---- */

static void put_tunnel(FILE *out, const char *device, const char *indent, bool again)
{
	if (again)
		fprintf(out, "%ssystemctl reload wg-quick@%s\n", indent, device);
	else
		fprintf(out, "%ssystemctl enable wg-quick@%s\n%ssystemctl restart wg-quick@%s\n",
			indent, device, indent, device);
}

static void put_commands(FILE *out, const char *lines, const char *indent)
{
	for (const char *end; *lines; lines = end + !!*end) {
		end = strchrnul(lines, '\n');
		fprintf(out, "%s%.*s\n", indent, (int)(end - lines), lines);
	}
}

/* Prints the commands of the start or, with `again`, those that apply new peers. */
static void commands(FILE *out, const struct gen *g, const struct topology_host *h,
		     const char *indent, bool again)
{
	/* On an edge router keepalived starts the tunnel, not WireGuard's systemd unit. */
	bool by_unit = h->role != ROLE_EDGE && has_file(g, h, "etc/wireguard/");
	char between[GEN_BETWEEN];

	for (const struct part *p = parts; p < parts + N_PARTS; p++) {
		const char *lines = again ? p->reload : p->start;

		/* The tunnels start after nftables, and before the parts that need a tunnel. */
		if (by_unit && !strcmp(p->path, "etc/keepalived/")) {
			put_tunnel(out, gen_device(h), indent, again);
			for_each_other_relay(other, g->t, h)
				put_tunnel(out, gen_between(other, between), indent, again);
		}
		/* Print the commands once for a directory, however many files it has. */
		if (lines && has_part(g, h, p))
			put_commands(out, lines, indent);
	}
}

static void change_prefix(FILE *out, const struct topology *t, const struct topology_host *h)
{
	char text[ADDRESS_STRLEN], name[GEN_NAME];

	fprintf(out, "\n### Change a prefix\n\n"
		"Write another `subnet` for site %s, or another `overlay`, into the topology, and "
		"run `wgxdp gen hosts`.\n"
		"Roll out first %s, then all servers.\n"
		"A site that lacks its new files meanwhile does not reach the others. The relay "
		"reaches its active edge router by the address in the tunnel:\n\n"
		"    ssh -J root@%s root@%s\n\n"
		"The edge routers announce the former prefix too, as deprecated, so that servers "
		"use the new addresses at once. Addresses of tunnels\n"
		"and mesh stay. The next run of `wgxdp gen hosts` leaves the former prefix out. "
		"Servers keep its addresses for two hours.\n",
		t->sites[h->site].name, t->hosts->blind ? "all edge routers" : "the relays, then "
		"the site's edge routers (for another overlay, those of all sites)",
		gen_host_name(t, t->hosts, name), address_format(&h->tunnel, text));
}

static void start(FILE *out, const struct gen *g, const struct topology_host *h)
{
	fputs("\n### Start\n\nRun these commands on the host, in this order. `../rollout` also "
	      "runs them, from the file `start` here.\n\n", out);
	commands(out, g, h, "    ", false);
	if (h->role == ROLE_EDGE)
		fputs("\nwg-quick@" WG_ROUTING " is not enabled, because keepalived starts that "
		      "tunnel. It has its peer only on the site's active edge router.\n"
		      "The site's edge routers share a key, so keep their clocks right (NTP). The "
		      "relay refuses handshakes of a router whose clock is\n"
		      "behind that of the other one.\n", out);
	if (h->shares)
		fputs("\nAll relays have the same private key in " WG_ROUTING
		      "-privatekey, and the same address in the tunnel.\n", out);
	if (h->shares && h->blind)
		fputs("Keep their clocks right (NTP). A site ignores handshakes from a relay whose "
		      "clock is behind that of another relay.\n", out);
	if (gen_is_pair(g->t, h))
		fputs("keepalived adds default routes with the metric 50 while this relay is "
		      "active. So this host's other default routes need a higher metric, such as "
		      "1024.\n", out);
	if (h->shares && !h->blind)
		fputs("wgxdp writes the sites that are connected here into a routing table of the "
		      "kernel, from which BIRD tells the other relays by BGP.\n", out);
	if (h->role == ROLE_CLIENT) {
		fputs("\nAfter a change of the topology, do the same again with the new files.\n",
		      out);
		return;
	}
	fputs("\n### After a change of the topology\n\n"
	      "Copy the files that `wgxdp gen hosts` prints as changed. If only sites, servers or "
	      "clients came or went, run the\nnext commands: they interrupt no other host. "
	      "Otherwise run the commands of *Start* again.\n\n", out);
	commands(out, g, h, "    ", true);
	if (h->role == ROLE_EDGE)
		change_prefix(out, g->t, h);
}

static bool has_family(const struct prefix *list, size_t n, __u8 family)
{
	for (size_t i = 0; i < n; i++)
		if (list[i].family == family)
			return true;
	return false;
}

/* Prints the routes by which hosts of the LAN answer the gateway's clients. The firewall is the
 * LAN's default router, and does not know the networks inside the tunnels. With an exit the gateway
 * translates the clients' addresses instead. */
static void put_lan_routes(FILE *out, const struct topology *t, const struct topology_host *h)
{
	const struct topology_host *gateway = &t->hosts[h->gateway];
	char network[ADDRESS_STRLEN], via[ADDRESS_STRLEN + TOPOLOGY_NAME];

	if (h->role != ROLE_FIREWALL || !*h->lan || !gateway->n_home || gateway->exit.there)
		return;
	fprintf(out, "\n### Routes to the clients\n\n"
		"Clients reach the LAN through %s. Its hosts answer by way of this firewall, so it "
		"needs these routes. Write them\ninto its network configuration too, because they "
		"are gone after a reboot:\n\n", gateway->name);
	for (size_t i = 0; i < gateway->n_networks; i++) {
		const struct prefix *p = &gateway->networks[i];
		const struct address *a = p->family == FAMILY_IPV4 ? &h->backend4 : &h->backend6;

		if (!has_family(gateway->home, gateway->n_home, p->family))
			continue;
		if (a->family)
			address_format(a, via);
		else
			snprintf(via, sizeof(via), "(the %s address of %s)",
				 p->family == FAMILY_IPV4 ? "IPv4" : "IPv6", gateway->name);
		fprintf(out, "    ip route replace %s via %s dev %s\n",
			prefix_format(p, network), via, h->lan);
	}
}

/* Writes the README, and HOST/start, the same commands as a script for DIR/rollout. */
void gen_readme(const struct gen *g, const struct topology_host *h)
{
	FILE *out;

	if (!h->openwrt)
		commands(gen_host_file(g, h, 0755, "#!/bin/sh\n#", "start"), g, h, "", false);
	out = gen_file(g->files, 0644, "%s/README.md", h->name);
	put_head(out, g->t, h);
	if (h->role == ROLE_ROAMING && h->openwrt) {
		put_openwrt(out, g, h);
	} else {
		install(out, g, h);
		put_key(out, g, h);
		files(out, g, h);
		put_network(out, g, h);
		put_ipv4_routes(out, g->t, h);
		put_rules(out, g, h);
		put_lan_routes(out, g->t, h);
		start(out, g, h);
		put_app(out, g, h);
	}
	put_verify(out, g, h);
}
