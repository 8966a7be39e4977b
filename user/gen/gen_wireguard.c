/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * etc/wireguard/ of every host with a tunnel. conf_begin() begins a file. Its addresses follow,
 * conf_settings(), and more settings. Each peer is conf_peer() and its AllowedIPs. conf_keys() ends
 * the file.
 */
#include <arpa/inet.h>
#include <string.h>
#include "gen/gen_host.h"

/* ---- lines of a file ---- */

struct conf {
	const struct gen *g;
	const struct topology_host *h;
	const char *device;
	const char *own; /* owner under whose name preshared keys are stored */
	FILE *out;
	const char *list; /* key of the list that is being written, such as Address; NULL: none */
	bool more;			/* the list has an item, so a comma comes before the next */
};

static void conf_list(struct conf *c, const char *key)
{
	if (c->more)
		fputc('\n', c->out);
	c->list = key;
	c->more = false;
}

static void conf_text(struct conf *c, const char *text)
{
	if (c->more)
		fprintf(c->out, ", %s", text);
	else
		fprintf(c->out, "%s = %s", c->list, text);
	c->more = true;
}

static void conf_prefix(struct conf *c, const struct prefix *p)
{
	char text[ADDRESS_STRLEN];

	conf_text(c, prefix_format(p, text));
}

/* Writes an address as /32 or /128. Writes nothing if its family is 0. */
static void conf_address(struct conf *c, const struct address *a)
{
	struct prefix p = gen_prefix_of(a);

	if (a->family)
		conf_prefix(c, &p);
}

/* Begins the configuration file of a device. A client's file contains its private key, unless the
 * topology gives the public key. All others load the key from DEVICE-privatekey beside this file,
 * into which an admin may put a key of the host's own. */
static struct conf conf_begin(const struct gen *g, const struct topology_host *h,
			      const char *device)
{
	const char *key = h->role == ROLE_CLIENT ? gen_private_key(g, h, device) : NULL;
	struct conf c = { .g = g, .h = h, .device = device, .own = h->name };

	c.out = gen_host_file(g, h, 0600, "#", "etc/wireguard/%s.conf", device);
	fputs("[Interface]\n", c.out);
	if (key)
		fprintf(c.out, "# secret: give this file only to this device\nPrivateKey = %s\n", key);
	conf_list(&c, "Address");
	return c;
}

static void conf_settings(struct conf *c, __be16 port, unsigned int mtu)
{
	conf_list(c, NULL);
	if (port)
		fprintf(c->out, "ListenPort = %u\n", ntohs(port));
	fprintf(c->out, "MTU = %u\n", mtu);
	if (c->h->role != ROLE_CLIENT || !gen_private_key(c->g, c->h, c->device))
		fputs("PostUp = wg set %i private-key /etc/wireguard/%i-privatekey\n", c->out);
}

struct conf_peer {
	const char *name;
	const struct wg_key *key;
	/* Relay or gateway whose endpoint it is; NULL: use `where`. */
	const struct topology_host *at;
	const struct address *where;
	__be16 port;			/* port of the endpoint; 0: that of `at` */
	unsigned int keepalive;		/* interval of keepalives, in seconds; 0: none */
};

/* Begins a peer. The caller adds its AllowedIPs. */
static void conf_peer(struct conf *c, const struct conf_peer *p)
{
	const char *preshared = gen_preshared_key(c->g, c->own, p->name);
	char key[WG_KEY_STRLEN], host[GEN_NAME], endpoint[ADDRESS_STRLEN];
	__be16 port;

	conf_list(c, "AllowedIPs");
	fprintf(c->out, "\n# %s\n[Peer]\nPublicKey = %s\n", p->name, wg_key_format(p->key, key));
	if (preshared)
		fprintf(c->out, "PresharedKey = %s\n", preshared);
	if (p->at) {
		gen_endpoint(c->g->t, p->at, host, &port);
		port = p->port ?: port;
		fprintf(c->out, strchr(host, ':') ? "Endpoint = [%s]:%u\n" : "Endpoint = %s:%u\n",
			host, ntohs(port));
	} else if (p->where) {
		fprintf(c->out, "Endpoint = %s\n", endpoint_format(p->where, p->port, endpoint));
	}
	if (p->keepalive)
		fprintf(c->out, "PersistentKeepalive = %u\n", p->keepalive);
}

/* Ends the file, and writes DEVICE-privatekey and DEVICE-publickey. */
static void conf_keys(struct conf *c, const struct wg_key *public)
{
	const char *private = gen_private_key(c->g, c->h, c->device), *host = c->h->name;
	char key[WG_KEY_STRLEN];

	conf_list(c, NULL);
	if (private && c->h->role != ROLE_CLIENT)
		fprintf(gen_file(c->g->files, 0600, "%s/etc/wireguard/%s-privatekey", host,
				 c->device), "%s\n", private);
	fprintf(gen_file(c->g->files, 0644, "%s/etc/wireguard/%s-publickey", host, c->device),
		"%s\n", wg_key_format(public, key));
}

/* ---- relays and edge routers ---- */

/* Returns the tunnel address of a site, whose edge routers are all one peer. Family 0: it has
 * none. */
static struct address end_of(const struct topology *t, const struct topology_site *site)
{
	for_each_host(h, t)
		if (h->role == ROLE_EDGE && &t->sites[h->site] == site)
			return h->tunnel;
	return (struct address){};
}

/* Returns the relay with the name and key that sites know: the relay itself, or topology.shared. */
static const struct topology_host *known_as(const struct topology *t,
					    const struct topology_host *relay)
{
	return relay->shares ? &t->shared : relay;
}

/* Returns the relay at which the edge routers begin. Several blind relays are independent, so all
 * edge routers must be at the same one: they begin at the address of the first one. */
static const struct topology_host *begins_at(const struct topology *t)
{
	const struct topology_host *first = t->hosts;

	return first->blind && !gen_is_pair(t, first) ? first : known_as(t, first);
}

/* Writes the tunnel from relay to relay. It carries BGP and the traffic between their sites, or
 * what the daemons of a pair say. */
static void between(const struct gen *g, const struct topology_host *h,
		    const struct topology_host *other)
{
	struct address own = topology_between(g->t, h, other);
	struct address others = topology_between(g->t, other, h);
	struct prefix at = { .addr = own.addr, .family = FAMILY_IPV6, .len = 112 };
	char device[GEN_BETWEEN], back[GEN_BETWEEN];
	const struct wg_key key = gen_public_key(g, other, gen_between(h, back));
	const struct wg_key public = gen_public_key(g, h, gen_between(other, device));
	struct conf c = conf_begin(g, h, device);

	conf_prefix(&c, &at);
	conf_settings(&c, htons(gen_between_port(other)), gen_between_mtu(h, other));
	fputs("Table = off\n", c.out);
	conf_peer(&c, &(struct conf_peer){ .name = other->name, .key = &key, .at = other,
					   .port = htons(gen_between_port(h)) });
	conf_address(&c, &others);
	if (!h->blind)
		conf_prefix(&c, &g->t->overlay);
	conf_keys(&c, &public);
}

static void relay(const struct gen *g, const struct topology_host *h)
{
	const struct topology *t = g->t;
	struct prefix ends = { .addr = t->tunnels.addr, .family = FAMILY_IPV6, .len = 112 };
	struct conf c = conf_begin(g, h, WG_ROUTING);
	char text[ADDRESS_STRLEN];

	c.own = known_as(t, h)->name;
	conf_address(&c, &h->tunnel);
	conf_settings(&c, h->port, gen_tunnel_mtu(t, h));
	ends.addr.b[13] |= 1;
	/* The routing daemon adds the routes to sites, wg-quick only those to the tunnels' ends. */
	if (h->shares && !h->blind)
		fprintf(c.out, "Table = off\nPostUp = ip -6 route replace %s dev %%i\n",
			prefix_format(&ends, text));
	/* By the metric, the route of an earlier file ends too. */
	if (!h->blind)
		fprintf(c.out, "# Packets to a site without a route must not go to the provider. "
			"Only this route has the metric 8192.\n"
			"PostUp = ip -6 route replace unreachable %s metric 8192\n"
			"PreDown = ip -6 route flush type unreachable metric 8192\n",
			prefix_format(&t->overlay, text));
	for_each_site(s, t) {
		struct address end = end_of(t, s);

		conf_peer(&c, &(struct conf_peer){ .name = s->name, .key = &s->public_key });
		conf_address(&c, &end);
		if (!h->blind)		/* a blind relay takes no part in traffic between sites */
			conf_prefix(&c, &s->prefix);
	}
	conf_keys(&c, &known_as(t, h)->public_key);
	for_each_other_relay(other, t, h)
		between(g, h, other);
}

/* Replaces the route that wg-quick made: with this source address replies come back to this site,
 * because the source that the kernel would choose, the tunnel's end, is in no AllowedIPs of other
 * sites. */
static void from_lan(FILE *out, const struct topology_host *h, const struct prefix *to)
{
	char prefix[ADDRESS_STRLEN], from[ADDRESS_STRLEN];

	fprintf(out, "PostUp = ip -6 route replace %s dev %%i src %s || true\n",
		prefix_format(to, prefix), address_format(&h->lan6, from));
}

/* Writes the configuration of an edge router's WireGuard device. With a blind relay each other site
 * is a peer whose endpoint is the relay. The keepalives to the relay itself keep the NAT's
 * mapping. */
static void edge(const struct gen *g, const struct topology_host *h)
{
	const struct topology *t = g->t;
	const struct topology_site *own = &t->sites[h->site];
	const struct topology_host *by = known_as(t, t->hosts), *at = begins_at(t);
	struct conf c = conf_begin(g, h, WG_ROUTING);
	bool blind = t->hosts->blind;

	c.own = own->name;
	conf_address(&c, &h->tunnel);
	conf_settings(&c, h->port, gen_tunnel_mtu(t, h));
	fputs("# This router sends to other sites from its address in the LAN. Without that, it has no such route.\n",
	      c.out);
	if (!blind)
		from_lan(c.out, h, &t->overlay);
	for_each_site(s, t)
		if (blind && s != own)
			from_lan(c.out, h, &s->prefix);
	if (blind)
		fputs("\n# All peers have the relay's address: it passes on their packets, which it cannot read.\n", c.out);
	conf_peer(&c, &(struct conf_peer){ .name = by->name, .key = &by->public_key, .at = at,
					   .keepalive = t->keepalive });
	conf_address(&c, &by->tunnel);
	if (!blind)
		conf_prefix(&c, &t->overlay);
	for_each_site(s, t) {
		struct address end = end_of(t, s);

		if (!blind || s == own)
			continue;
		conf_peer(&c, &(struct conf_peer){ .name = s->name, .key = &s->public_key,
						   .at = at });
		conf_address(&c, &end);
		conf_prefix(&c, &s->prefix);
		if (gen_joins_ipv4(own, s))
			conf_prefix(&c, &s->ipv4);
	}
	conf_keys(&c, &own->public_key);
}

/* ---- from server to server ---- */

static void server(const struct gen *g, const struct topology_host *h)
{
	const struct topology *t = g->t;
	struct conf c;

	if (!h->mesh.family)
		return;
	c = conf_begin(g, h, WG_MESH);
	conf_address(&c, &h->mesh);
	conf_settings(&c, t->mesh_port, gen_mesh_mtu(t, h));
	for_each_host(other, t) {
		if (other->role != ROLE_SERVER || other == h)
			continue;
		conf_peer(&c, &(struct conf_peer){ .name = other->name, .key = &other->mesh_key,
						   .where = &other->lan6, .port = t->mesh_port });
		conf_address(&c, &other->mesh);
	}
	conf_keys(&c, &h->mesh_key);
}

/* ---- a gateway ---- */

/* Writes an address with its network's length, because the tunnel leads to that network. Addresses
 * of the link (proxy_ndp) keep /128: their clients have routes of their own. */
static void own_address(struct conf *c, const struct topology_host *h, const struct address *a)
{
	char address[ADDRESS_STRLEN], text[ADDRESS_STRLEN + 4];
	unsigned int len = gen_prefix_of(a).len;

	for (size_t i = 0; i < h->n_networks; i++)
		if (prefix_covers(&h->networks[i], a) &&
		    !(h->exit.proxy_ndp && topology_kind(&h->networks[i]) == NETWORK_GLOBAL))
			len = h->networks[i].len;
	snprintf(text, sizeof(text), "%s/%u", address_format(a, address), len);
	conf_text(c, text);
}

static void answer_for(FILE *out, const struct topology_host *h, const struct topology_host *client)
{
	char text[ADDRESS_STRLEN];

	for (size_t i = 0; i < client->n_inside; i++) {
		struct prefix p = gen_prefix_of(&client->inside[i]);

		if (topology_kind(&p) != NETWORK_GLOBAL)
			continue;
		address_format(&client->inside[i], text);
		fprintf(out, "PostUp = ip -6 neigh replace proxy %s dev %s\n"
			"PreDown = ip -6 neigh del proxy %s dev %s\n",
			text, h->interface, text, h->interface);
	}
}

/* Adds the source address for SNAT to the host, so that the host receives the replies.
 * preferred_lft 0 deprecates it: the host's own traffic keeps its other source. */
static void own_snat(FILE *out, const struct topology_host *h, const struct address *a)
{
	unsigned int len = gen_prefix_of(a).len;
	char text[ADDRESS_STRLEN];

	if (!a->family || address_find(h->addresses, h->n_addresses, a) < h->n_addresses)
		return;
	address_format(a, text);
	fprintf(out, "PostUp = ip address replace %s/%u dev %s preferred_lft 0\n"
		"PreDown = ip address del %s/%u dev %s\n",
		text, len, h->interface, text, len, h->interface);
}

static void gateway(const struct gen *g, const struct topology_host *h)
{
	const struct topology *t = g->t;
	struct conf c = conf_begin(g, h, WG_CLIENTS);

	for (size_t i = 0; i < h->n_inside; i++)
		own_address(&c, h, &h->inside[i]);
	conf_settings(&c, h->port, gen_tunnel_mtu(t, h));
	own_snat(c.out, h, &h->exit.snat4);
	own_snat(c.out, h, &h->exit.snat6);
	for_each_host(client, t)
		if (h->exit.proxy_ndp && gen_comes_to(t, client, h))
			answer_for(c.out, h, client);
	for_each_host(client, t) {
		if (!gen_comes_to(t, client, h))
			continue;
		conf_peer(&c, &(struct conf_peer){ .name = client->name,
						   .key = &client->public_key });
		for (size_t i = 0; i < client->n_inside; i++)
			conf_address(&c, &client->inside[i]);
		if (client->prefix.family)
			conf_prefix(&c, &client->prefix);
	}
	conf_keys(&c, &h->public_key);
}

/* ---- a client or roaming router ---- */

/* Writes the DNS servers that are reached through the tunnel. */
static void name_servers(struct conf *c, const struct topology *t, const struct topology_host *h)
{
	char text[ADDRESS_STRLEN];

	conf_list(c, "DNS");
	for (size_t i = 0; i < t->n_dns; i++)
		if (gen_leads_to(t, h, &t->dns[i]))
			conf_text(c, address_format(&t->dns[i], text));
}

/* Writes the address of this router: the first one in the prefix that the tunnel brings. */
static void lan_address(FILE *out, const struct topology_host *h)
{
	struct address first = gen_lan_address(h);
	char text[ADDRESS_STRLEN];

	if (h->openwrt)
		return;
	address_format(&first, text);
	fprintf(out, "PostUp = ip -6 address replace %s/%u dev %s\n"
		"PreDown = ip -6 address del %s/%u dev %s\n",
		text, gen_lan_prefix(h).len, h->lan, text, gen_lan_prefix(h).len, h->lan);
}

/* Returns whether this client must send keepalives, because other hosts open connections to it or
 * the firewall in front masquerades: NATs and firewalls on the path must not forget it. */
static bool is_called(const struct topology *t, const struct topology_host *h,
		      const struct topology_host *gateway)
{
	const struct topology_host *front = gen_front(t, gateway);

	return h->role == ROLE_ROAMING || (h->direct && gateway->exit.open) ||
	       (front != gateway && front->nat == NAT_MASQUERADE);
}

static void client(const struct gen *g, const struct topology_host *h)
{
	const struct topology *t = g->t;
	const struct topology_host *gateway = &t->hosts[h->gateway];
	struct conf c = conf_begin(g, h, WG_CLIENTS);

	for (size_t i = 0; i < h->n_inside; i++)
		conf_address(&c, &h->inside[i]);
	if (h->role == ROLE_CLIENT)
		name_servers(&c, t, h);
	conf_settings(&c, 0, gen_tunnel_mtu(t, h));
	if (h->role == ROLE_ROAMING)
		lan_address(c.out, h);
	conf_peer(&c, &(struct conf_peer){ .name = gateway->name, .key = &gateway->public_key,
		.at = gateway, .keepalive = is_called(t, h, gateway) ? TOPOLOGY_KEEPALIVE : 0 });
	for (size_t i = 0; i < h->n_split; i++)
		conf_prefix(&c, &h->split[i]);
	if (!h->n_split)
		conf_text(&c, "0.0.0.0/0, ::/0");
	conf_keys(&c, &h->public_key);
}

void gen_wireguard(const struct gen *g, const struct topology_host *h)
{
	static gen_kind *const by_role[] = {
		[ROLE_RELAY] = relay, [ROLE_EDGE] = edge, [ROLE_SERVER] = server,
		[ROLE_GATEWAY] = gateway, [ROLE_CLIENT] = client, [ROLE_ROAMING] = client,
	};

	if (h->role != ROLE_FIREWALL)
		by_role[h->role](g, h);
}
