/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * etc/wireguard/ of gateways, their clients and roaming routers.
 */
#include "gen/gen_wireguard.h"

/* ---- a gateway ---- */

/* An address with its network's length: the tunnel leads to that network. Addresses of the link
 * (proxy_ndp) keep /128: their clients have routes of their own. */
static void own_address(struct conf_list *l, const struct topology_host *h, const struct address *a)
{
	char address[ADDRESS_STRLEN], text[ADDRESS_STRLEN + 4];
	unsigned int len = a->family == FAMILY_IPV4 ? 32 : 128;

	for (size_t i = 0; i < h->n_networks && !(h->exit.proxy_ndp && gen_is_global6(a)); i++)
		if (prefix_covers(&h->networks[i], a))
			len = h->networks[i].len;
	snprintf(text, sizeof(text), "%s/%u", address_format(a, address), len);
	conf_text(l, text);
}

/* While the tunnel is down, packets to a routed prefix would loop between this host and the
 * provider's router. This route prevents that; its metric makes it the last. Addresses of the link
 * need none. */
static void end_loop(FILE *out, const struct prefix *p)
{
	char text[ADDRESS_STRLEN];

	if (gen_is_global6(&(struct address){ .addr = p->addr, .family = p->family }))
		fprintf(out, "PostUp = ip -6 route replace unreachable %s metric 8192\n",
			prefix_format(p, text));
}

static void end_loops(FILE *out, const struct topology *t, const struct topology_host *h)
{
	for (size_t i = 0; i < h->n_networks && !h->exit.proxy_ndp; i++)
		end_loop(out, &h->networks[i]);
	for (size_t i = 0; i < t->n_hosts; i++)
		if (gen_comes_to(t, &t->hosts[i], h))
			end_loop(out, &t->hosts[i].prefix);
}

static void answer_for(FILE *out, const struct topology_host *h, const struct topology_host *client)
{
	char text[ADDRESS_STRLEN];

	for (size_t i = 0; i < client->n_inside; i++) {
		if (!client->direct || !gen_is_global6(&client->inside[i]))
			continue;
		address_format(&client->inside[i], text);
		fprintf(out, "PostUp = ip -6 neigh replace proxy %s dev %s\n", text, h->interface);
		fprintf(out, "PreDown = ip -6 neigh del proxy %s dev %s\n", text, h->interface);
	}
}

/* The host must have the SNAT address to answer for it; deprecated (preferred_lft 0), so that the
 * host's own traffic keeps its source */
static void own_snat(FILE *out, const struct topology_host *h, const struct address *a)
{
	unsigned int len = a->family == FAMILY_IPV4 ? 32 : 128;
	char text[ADDRESS_STRLEN];

	if (!a->family || address_find(h->addresses, h->n_addresses, a) < h->n_addresses)
		return;
	address_format(a, text);
	fprintf(out, "PostUp = ip address replace %s/%u dev %s preferred_lft 0\n", text, len,
		h->interface);
	fprintf(out, "PreDown = ip address del %s/%u dev %s\n", text, len, h->interface);
}

static void peer(const struct gen *g, const struct topology_host *h,
		 const struct topology_host *client, FILE *out)
{
	struct conf_list l =
		conf_peer(g, out,
			  &(struct conf_peer){ .name = client->name, .key = &client->public_key,
					       .preshared = g->preshared_key(g, h->name,
									     client->name) });

	for (size_t i = 0; i < client->n_inside; i++)
		conf_address(&l, &client->inside[i]);
	if (client->prefix.family)
		conf_prefix(&l, &client->prefix);
	conf_end(&l);
}

void gen_wireguard_gateway(const struct gen *g, const struct topology_host *h)
{
	const struct topology *t = g->t;
	struct conf_list l;
	FILE *out = conf_begin(g, h, WG_CLIENTS, &l);

	for (size_t i = 0; i < h->n_inside; i++)
		own_address(&l, h, &h->inside[i]);
	conf_end(&l);
	conf_settings(g, h, WG_CLIENTS, out, h->port, gen_tunnel_mtu(t, h));
	end_loops(out, t, h);
	own_snat(out, h, &h->exit.snat4);
	own_snat(out, h, &h->exit.snat6);
	for (size_t i = 0; i < t->n_hosts && h->exit.proxy_ndp; i++)
		if (gen_comes_to(t, &t->hosts[i], h))
			answer_for(out, h, &t->hosts[i]);
	for (size_t i = 0; i < t->n_hosts; i++)
		if (gen_comes_to(t, &t->hosts[i], h))
			peer(g, h, &t->hosts[i], out);
	conf_keys(g, h, WG_CLIENTS, &h->public_key);
}

/* ---- a client ---- */

/* With a split tunnel a client keeps its own DNS servers, unless a server is inside */
static void name_servers(FILE *out, const struct topology *t, const struct topology_host *h)
{
	struct conf_list l = { .out = out, .key = "DNS" };
	char text[ADDRESS_STRLEN];

	for (size_t i = 0; i < t->n_dns; i++) {
		bool inside = !h->n_split;

		for (size_t s = 0; s < h->n_split; s++)
			inside |= prefix_covers(&h->split[s], &t->dns[i]);
		if (inside)
			conf_text(&l, address_format(&t->dns[i], text));
	}
	conf_end(&l);
}

/* The prefix that the tunnel brings: this router is the first address in it */
static void lan_address(FILE *out, const struct topology_host *h)
{
	struct address first = gen_lan_address(h);
	char text[ADDRESS_STRLEN];

	if (h->openwrt || !first.family || !*h->lan)
		return;
	address_format(&first, text);
	fprintf(out, "PostUp = ip -6 address replace %s/%u dev %s\n", text, h->prefix.len, h->lan);
	fprintf(out, "PreDown = ip -6 address del %s/%u dev %s\n", text, h->prefix.len, h->lan);
}

/* Whether others open connections to it: then NATs, firewalls and masquerading must not forget the
 * path */
static bool is_called(const struct topology *t, const struct topology_host *h,
		      const struct topology_host *gateway)
{
	const struct topology_host *front = gen_front(t, gateway);

	return h->role == ROLE_ROAMING || (h->direct && gateway->exit.open) ||
	       (front != gateway && front->nat == NAT_MASQUERADE);
}

void gen_wireguard_client(const struct gen *g, const struct topology_host *h)
{
	const struct topology *t = g->t;
	const struct topology_host *gateway = &t->hosts[h->gateway];
	bool router = h->role == ROLE_ROAMING;
	struct conf_list l;
	FILE *out = conf_begin(g, h, WG_CLIENTS, &l);

	for (size_t i = 0; i < h->n_inside; i++)
		conf_address(&l, &h->inside[i]);
	conf_end(&l);
	if (!router)
		name_servers(out, t, h);
	conf_settings(g, h, WG_CLIENTS, out, 0, gen_tunnel_mtu(t, h));
	if (router)
		lan_address(out, h);
	l = conf_peer(g, out,
		      &(struct conf_peer){ .name = gateway->name, .key = &gateway->public_key,
					   .at = gateway, .keepalive = is_called(t, h, gateway) ?
					   TOPOLOGY_KEEPALIVE : 0, .preshared =
					   g->preshared_key(g, gateway->name, h->name) });
	for (size_t i = 0; i < h->n_split; i++)
		conf_prefix(&l, &h->split[i]);
	if (!h->n_split) {
		conf_text(&l, "0.0.0.0/0");
		conf_text(&l, "::/0");
	}
	conf_end(&l);
	conf_keys(g, h, WG_CLIENTS, &h->public_key);
}
