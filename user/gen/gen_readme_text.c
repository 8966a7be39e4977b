/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The README's text by the host's role.
 */
#include <string.h>
#include "gen/gen_files.h"
#include "gen/gen_readme.h"
#include "gen/gen_host.h"

void gen_readme_head(FILE *out, const struct topology *t, const struct topology_host *h)
{
	const char *other = h->role == ROLE_CLIENT || h->role == ROLE_ROAMING ||
		h->role == ROLE_FIREWALL ? t->hosts[h->gateway].name : "";
	const char *site = h->role == ROLE_EDGE || h->role == ROLE_SERVER ? t->sites[h->site].name :
		"";
	char name[GEN_NAME];

	fprintf(out, "<!-- SPDX-License-Identifier: GPL-2.0-or-later; made by `wgxdp gen hosts` "
		"-->\n# %s\n\n", gen_host_name(t, h, name));
	switch (h->role) {
	case ROLE_RELAY:
		fputs(h->shares ? "One of several relays: the sites' "
		      "edge routers have a tunnel to one of them, "
		      "and it forwards from one to the other, or to the relay\nwhere that is.\n" :
		      h->blind ? "The relay: it forwards what the sites' edge routers send each "
		      "other, and can " "read none of it.\n" : "The relay: the sites' edge routers "
		      "have a tunnel to it, and it forwards from " "one to the other.\n", out);
		break;
	case ROLE_EDGE:
		fprintf(out, "An edge router of site %s: %s is its way to the internet, %s the "
			"site's LAN.\n", site, h->interface, h->lan);
		break;
	case ROLE_SERVER:
		fprintf(out, "A server of site %s.\n", site);
		break;
	case ROLE_GATEWAY:
		fputs("WireGuard that clients come to.\n", out);
		break;
	case ROLE_CLIENT:
		fprintf(out, "A client of %s.\n", other);
		break;
	case ROLE_ROAMING:
		fprintf(out, "A router that has a tunnel to %s, wherever it is.\n", other);
		break;
	case ROLE_FIREWALL:
		fprintf(out, "It forwards WireGuard's packets to %s.\n", other);
		break;
	}
}

/* ---- keys ---- */

static bool keeps_key(const struct gen *g, const struct topology_host *h, const char **ret_device)
{
	*ret_device = h->role == ROLE_SERVER ? WG_MESH : h->role == ROLE_RELAY ||
		h->role == ROLE_EDGE ? WG_ROUTING : WG_CLIENTS;
	return h->role == ROLE_EDGE ? g->t->sites[h->site].key_given : h->shares ?
	       g->t->shared.key_given : h->role == ROLE_SERVER ? h->mesh_key_given : h->key_given;
}

static void two_commands(FILE *out, const char *device)
{
	fprintf(out,
		"    umask 077; wg genkey > /etc/wireguard/%s-privatekey\n"
		"    wg pubkey < /etc/wireguard/%s-privatekey\n", device, device);
}

void gen_readme_key(FILE *out, const struct gen *g, const struct topology_host *h)
{
	const char *device;

	if (!keeps_key(g, h, &device) || h->role == ROLE_FIREWALL)
		return;
	fprintf(out, "\n### Its key\n\n"
		"The topology has %s public key only. The private one is not in this directory: it "
		"is on the host, in\n"
		"/etc/wireguard/%s-privatekey, which %s.conf has read. These two commands there "
		"made it, or make another one; what the second\n"
		"one prints is the `public-key` that belongs into the topology:\n\n",
		h->role == ROLE_EDGE ? "the site's" : h->shares ? "the relays'" : "this host's",
		device, device);
	two_commands(out, device);
	if (h->role == ROLE_EDGE)
		fputs("\nAll edge routers of the site have the same.\n", out);
	if (h->shares)
		fputs("\nAll relays have the same; those of the tunnels between them are in this "
		      "directory.\n", out);
}

bool gen_readme_dns(const struct gen *g, const struct topology_host *h)
{
	char path[TOPOLOGY_NAME + 64];
	const char *text;

	snprintf(path, sizeof(path), "%s/etc/wireguard/" WG_CLIENTS ".conf", h->name);
	text = gen_files_text(g->files, path);
	return text && strstr(text, "\nDNS = ");
}

/* ---- without wg-quick ---- */

void gen_readme_app(FILE *out, const struct gen *g, const struct topology_host *h)
{
	char picture[TOPOLOGY_NAME + 4];

	if (h->role != ROLE_CLIENT)
		return;
	fputs("\n### With WireGuard's app instead, on a phone or elsewhere\n\n", out);
	snprintf(picture, sizeof(picture), "%s.qr", h->name);
	if (!gen_private_key(g, h, WG_CLIENTS))
		fputs("Make a tunnel there by hand, of what wg0.conf says but for its PostUp line; "
		      "the app has the private key.\n", out);
	else if (gen_readme_has(g, h, picture))
		fprintf(out, "Import etc/wireguard/wg0.conf, or let the app read it from the "
			"screen of a terminal that has light letters on dark ground:\n\n"
			"    cat %s\n\n"
			"Whoever sees either has the key.\n", picture);
	else
		fputs("Import etc/wireguard/wg0.conf. Whoever sees it has the key.\n", out);
}

void gen_readme_openwrt(FILE *out, const struct gen *g, const struct topology_host *h)
{
	char name[TOPOLOGY_NAME];

	fprintf(out, "\n## 1. Install\n\n"
		"OpenWrt, and there\n\n"
		"    opkg update && opkg install wireguard-tools\n"
		"\n## 2. Where each file goes\n\n"
		"| file | what it is |\n| --- | --- |\n"
		"| etc/config/network.uci | what its network gets besides, by the commands below; "
		"not to be copied there |\n");
	if (gen_readme_has(g, h, "etc/wireguard/" WG_CLIENTS ".conf"))
		fputs("| etc/wireguard/ | the same for wg-quick, should this be no OpenWrt one "
		      "day; not needed |\n", out);
	fprintf(out, "\nFrom this directory, and once more after each change:\n\n"
		"    ssh root@%s 'for s in " WG_CLIENTS " " WG_CLIENTS "_%s " WG_CLIENTS
		"_lan; do uci -q delete network.$s; done;\n"
		"        uci -m import network; uci commit network; /etc/init.d/network reload' < "
		"etc/config/network.uci\n", h->name, gen_uci_name(&g->t->hosts[h->gateway], name));
	if (h->key_given) {
		fputs("\nIts private key is not in there, for the topology has its public one "
		      "only. These two commands on the router make one, the\n"
		      "second one prints the `public-key` of the topology; the third gives it to "
		      "the interface, after each import:\n\n", out);
		two_commands(out, WG_CLIENTS);
		fputs("    uci set network." WG_CLIENTS ".private_key=\"$(cat /etc/wireguard/"
		      WG_CLIENTS "-privatekey)\"; uci commit network\n", out);
	}
	fputs("\nThe firewall has to let the LAN into the tunnel, and the LAN has to be told of "
	      "its prefix:\n\n"
	      "    uci add_list firewall.@zone[1].network=" WG_CLIENTS
	      "; uci commit firewall; /etc/init.d/firewall reload\n"
	      "    uci set dhcp.lan.ra=server; uci commit dhcp; /etc/init.d/odhcpd restart\n"
	      "\n`uci show firewall` tells whether zone 1 is the one of the internet.\n", out);
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
	if (gen_readme_has(g, h, "etc/nftables.conf"))
		fputs("| `nft -c -f /etc/nftables.conf` | nothing: the rules are right; `nft list "
		      "ruleset` shows those that run |\n", out);
	if (gen_readme_has(g, h, "etc/keepalived/"))
		fprintf(out, "| `keepalived -t` | its file is right |\n"
			"| `ip -6 address show dev %s` | fe80::1 on one edge router of the site, "
			"the active one |\n", h->lan);
	if (gen_readme_has(g, h, "etc/radvd.conf"))
		fputs("| `radvd -c` | its file is right |\n", out);
	if (gen_readme_has(g, h, "etc/wgxdp/"))
		fputs("| `wgxdp check` | valid, and the host has what the file names |\n"
		      "| `wgxdp show` | what passes, and what is dropped and why |\n", out);
}

static void verify_site(FILE *out, const struct topology *t, const struct topology_host *h)
{
	char text[ADDRESS_STRLEN], prefix[ADDRESS_STRLEN], overlay[ADDRESS_STRLEN];

	fprintf(out, "| `ip -6 address show dev %s` | %s |\n", h->interface,
		address_format(&h->lan6, text));
	fprintf(out, "| `rdisc6 -1 %s` | from fe80::1: prefix %s, route %s |\n",
		h->interface, prefix_format(&t->sites[h->site].prefix, prefix),
		prefix_format(&t->overlay, overlay));
	for_each_host(other, t)
		if (h->mesh.family && other->role == ROLE_SERVER && other != h)
			ping(out, &other->mesh, other->name);
}

static void verify_sharing(FILE *out, const struct topology *t, const struct topology_host *h)
{
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
		fprintf(out, "| `wg show "
			WG_ROUTING "` | %s latest handshake less than three minutes ago |\n",
			h->role == ROLE_EDGE ? "on the active edge router: with the relay a" :
			h->shares ? "of each site that is here a" : "of each site a");
	if (h->shares)
		verify_sharing(out, t, h);
	else if (h->role == ROLE_EDGE && *t->shared.name)
		ping(out, &t->shared.tunnel, "the relay where the site is");
	if (*t->shared.name)
		return;
	for_each_host(other, t)
		if (h->role == ROLE_EDGE && other->role == ROLE_RELAY)
			ping(out, &other->tunnel, other->name);
		/* all edge routers of a site have one address */
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
	fputs("| `wg show " WG_CLIENTS "` | a latest handshake |\n", out);
	for (size_t i = 0; i < gateway->n_networks; i++)
		for (size_t a = 0; a < gateway->n_inside && is_in(h, &gateway->networks[i]); a++)
			if (prefix_covers(&gateway->networks[i], &gateway->inside[a]))
				ping(out, &gateway->inside[a], gateway->name);
	for (size_t i = 0; i < t->n_dns && !h->n_split; i++)
		ping(out, &t->dns[i], "the internet, by the tunnel,");
}

void gen_readme_verify(FILE *out, const struct gen *g, const struct topology_host *h)
{
	const struct topology *t = g->t;

	fputs("\n## 3. Is it right?\n\n| on this host | what it has to show |\n| --- | --- |\n",
	      out);
	verify_files(out, g, h);
	verify_tunnels(out, t, h);
	if (h->role == ROLE_SERVER)
		verify_site(out, t, h);
	if (h->role == ROLE_GATEWAY)
		fputs("| `wg show " WG_CLIENTS
		      "` | of each client that is there just now a latest handshake |\n", out);
	if (h->role != ROLE_CLIENT && h->role != ROLE_ROAMING)
		return;
	verify_client(out, t, h, &t->hosts[h->gateway]);
}
