/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Writes etc/config/network.uci of roaming routers with OpenWrt: `uci -m import network` adds it to
 * their network.
 */
#include "gen/gen_host.h"

const char *gen_uci_name(const struct topology_host *h, char buf[TOPOLOGY_NAME])
{
	snprintf(buf, TOPOLOGY_NAME, "%s", h->name);
	for (char *at = buf; *at; at++)
		if (*at == '-')
			*at = '_';
	return buf;
}

static void list_prefix(FILE *out, const char *list, const struct prefix *p)
{
	char text[ADDRESS_STRLEN];

	fprintf(out, "\tlist %s '%s'\n", list, prefix_format(p, text));
}

static void interface(FILE *out, const struct gen *g, const struct topology_host *h)
{
	const char *private = gen_private_key(g, h, WG_CLIENTS);

	fputs("config interface '" WG_CLIENTS "'\n\toption proto 'wireguard'\n", out);
	if (private)
		fprintf(out, "\toption private_key '%s'\n", private);
	for (size_t i = 0; i < h->n_inside; i++) {
		struct prefix p = gen_prefix_of(&h->inside[i]);

		list_prefix(out, "addresses", &p);
	}
	fprintf(out, "\toption mtu '%u'\n\n", gen_tunnel_mtu(g->t, h));
}

static void peer(FILE *out, const struct gen *g, const struct topology_host *h)
{
	const struct topology_host *gateway = &g->t->hosts[h->gateway];
	const char *preshared = gen_preshared_key(g, gateway->name, h->name);
	char key[WG_KEY_STRLEN], host[GEN_NAME], name[TOPOLOGY_NAME];
	__be16 port;

	gen_endpoint(g->t, gateway, host, &port);
	fprintf(out, "config wireguard_" WG_CLIENTS " '" WG_CLIENTS "_%s'\n"
		"\toption description '%s'\n"
		"\toption public_key '%s'\n", gen_uci_name(gateway, name), gateway->name,
		wg_key_format(&gateway->public_key, key));
	if (preshared)
		fprintf(out, "\toption preshared_key '%s'\n", preshared);
	fprintf(out, "\toption endpoint_host '%s'\n"
		"\toption endpoint_port '%u'\n"
		"\toption persistent_keepalive '%d'\n"
		"\toption route_allowed_ips '1'\n", host, ntohs(port), TOPOLOGY_KEEPALIVE);
	for (size_t i = 0; i < h->n_split; i++)
		list_prefix(out, "allowed_ips", &h->split[i]);
	if (!h->n_split)
		fputs("\tlist allowed_ips '0.0.0.0/0'\n\tlist allowed_ips '::/0'\n", out);
}

/* Adds the router's address in the prefix that the tunnel brings to its LAN. */
static void lan(FILE *out, const struct topology_host *h)
{
	struct address first = gen_lan_address(h);
	char text[ADDRESS_STRLEN];

	fprintf(out, "\nconfig interface '" WG_CLIENTS "_lan'\n"
		"\toption proto 'static'\n"
		"\toption device '%s'\n"
		"\tlist ip6addr '%s/%u'\n", h->lan, address_format(&first, text),
		gen_lan_prefix(h).len);
}

void gen_uci(const struct gen *g, const struct topology_host *h)
{
	FILE *out;

	if (h->role != ROLE_ROAMING || !h->openwrt)
		return;
	out = gen_host_file(g, h, 0600, "#", "etc/config/network.uci");
	fputs("package network\n\n", out);
	interface(out, g, h);
	peer(out, g, h);
	lan(out, h);
}
