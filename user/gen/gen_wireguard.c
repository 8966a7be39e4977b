/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * etc/wireguard/ of every host with a tunnel; here: of relays, edge routers and servers.
 */
#include <arpa/inet.h>
#include "gen/gen_wireguard.h"

/* ---- relays and edge routers ---- */

static const struct topology_host *first_of(const struct topology *t, enum topology_role role,
					    size_t site)
{
	for (const struct topology_host *h = t->hosts; h < t->hosts + t->n_hosts; h++)
		if (h->role == role && (role != ROLE_EDGE || h->site == site))
			return h;
	return NULL;
}

/* The relay as sites know it */
static const struct topology_host *known_as(const struct topology *t,
					    const struct topology_host *relay)
{
	return relay->shares ? &t->shared : relay;
}

/* The routing daemon writes the routes to sites, except those to the ends of their tunnels */
static void sharing(FILE *out, const struct topology *t)
{
	struct prefix ends = { .addr = t->tunnels.addr, .family = FAMILY_IPV6, .len = 112 };
	char text[ADDRESS_STRLEN];

	ends.addr.b[13] |= 1;
	fprintf(out, "Table = off\nPostUp = ip -6 route replace %s dev %%i\n",
		prefix_format(&ends, text));
}

/* From relay to relay: BGP, and traffic between their sites */
static void between(const struct gen *g, const struct topology_host *h,
		    const struct topology_host *other)
{
	struct address own = topology_between(g->t, h, other),
		others = topology_between(g->t, other, h);
	struct prefix at = { .addr = own.addr, .family = FAMILY_IPV6, .len = 112 };
	char device[GEN_BETWEEN], back[GEN_BETWEEN];
	const struct wg_key key = g->public_key(g, other, gen_between(h, back)),
		public = g->public_key(g, h, gen_between(other, device));
	struct conf_list l;
	FILE *out = conf_begin(g, h, device, &l);

	conf_prefix(&l, &at);
	conf_end(&l);
	conf_settings(g, h, device, out, htons(gen_between_port(other)), gen_between_mtu(h, other));
	fputs("Table = off\n", out);
	l = conf_peer(g, out, &(struct conf_peer){ .name = other->name, .key = &key, .at = other,
						   .port = htons(gen_between_port(h)), .preshared =
						   g->preshared_key(g, h->name, other->name) });
	conf_address(&l, &others);
	conf_prefix(&l, &g->t->overlay);
	conf_end(&l);
	conf_keys(g, h, device, &public);
}

static void relay(const struct gen *g, const struct topology_host *h)
{
	const struct topology *t = g->t;
	struct conf_list l;
	FILE *out = conf_begin(g, h, WG_ROUTING, &l);

	conf_address(&l, &h->tunnel);
	conf_end(&l);
	conf_settings(g, h, WG_ROUTING, out, h->port, gen_tunnel_mtu(t, h));
	if (h->shares)
		sharing(out, t);
	if (!h->blind) /* other forwarding routers always forward: see gen_sysctl() */
		fputs("PostUp = sysctl -q -w net.ipv6.conf.all.forwarding=1\n"
		      "PreDown = sysctl -q -w net.ipv6.conf.all.forwarding=0\n", out);
	for (size_t i = 0; i < t->n_sites; i++) {
		const struct topology_site *s = &t->sites[i];
		/* all edge routers of a site are one peer */
		const struct topology_host *edge = first_of(t, ROLE_EDGE, i);
		struct conf_peer p = { .name = s->name, .key = &s->public_key, .preshared =
				       g->preshared_key(g, known_as(t, h)->name, s->name) };

		if (!edge)
			continue;
		l = conf_peer(g, out, &p);
		conf_address(&l, &edge->tunnel);
		if (!h->blind)		/* a blind relay takes no part in traffic between sites */
			conf_prefix(&l, &s->prefix);
		conf_end(&l);
	}
	conf_keys(g, h, WG_ROUTING, &h->public_key);
	for (const struct topology_host *other = NULL; (other = gen_next_relay(t, h, other));)
		between(g, h, other);
}

/* Replaces wg-quick's route: its source, the tunnel's end, is in no other site's AllowedIPs */
static void from_lan(FILE *out, const struct topology_host *h, const struct prefix *to)
{
	char prefix[ADDRESS_STRLEN], from[ADDRESS_STRLEN];

	fprintf(out, "PostUp = ip -6 route replace %s dev %%i src %s || true\n",
		prefix_format(to, prefix), address_format(&h->lan6, from));
}

static void edge_settings(const struct gen *g, const struct topology_host *h, FILE *out, bool blind)
{
	const struct topology *t = g->t;

	conf_settings(g, h, WG_ROUTING, out, h->port, gen_tunnel_mtu(t, h));
	/* stays on: the next active router must be a router before its tunnel is up, or servers
	 * drop their routes by it */
	fputs("PostUp = sysctl -q -w net.ipv6.conf.all.forwarding=1\n", out);
	if (!blind)
		from_lan(out, h, &t->overlay);
	for (size_t i = 0; blind && i < t->n_sites; i++)
		if (i != h->site)
			from_lan(out, h, &t->sites[i].prefix);
}

/* With a blind relay each other site is a peer, whose endpoint is the relay. The relay's own peer
 * keeps the NAT's mapping. */
static void sites(const struct gen *g, const struct topology_host *h,
		  const struct topology_host *by, FILE *out)
{
	const struct topology *t = g->t;
	const char *own = t->sites[h->site].name;

	for (size_t i = 0; i < t->n_sites; i++) {
		const struct topology_site *s = &t->sites[i];
		const struct topology_host *edge = first_of(t, ROLE_EDGE, i);
		struct conf_list l;

		if (i == h->site || !edge)
			continue;
		l = conf_peer(g, out, &(struct conf_peer){ .name = s->name, .key = &s->public_key,
							   .at = by, .preshared =
							   g->preshared_key(g, own, s->name) });
		conf_address(&l, &edge->tunnel);
		conf_prefix(&l, &s->prefix);
		conf_end(&l);
	}
}

static void edge(const struct gen *g, const struct topology_host *h)
{
	const struct topology *t = g->t;
	const struct topology_host *by = first_of(t, ROLE_RELAY, 0);
	const char *site = t->sites[h->site].name;
	struct conf_list l;
	FILE *out = conf_begin(g, h, WG_ROUTING, &l);

	conf_address(&l, &h->tunnel);
	conf_end(&l);
	edge_settings(g, h, out, by && by->blind);
	if (by) {
		const struct topology_host *r = known_as(t, by);

		l = conf_peer(g, out, &(struct conf_peer){ .name = r->name, .key = &r->public_key,
							   .at = r, .keepalive = t->keepalive,
							   .preshared = g->preshared_key(g, r->name,
											 site) });
		conf_address(&l, &r->tunnel);
		if (!r->blind)
			conf_prefix(&l, &t->overlay);
		conf_end(&l);
	}
	if (by && by->blind)
		sites(g, h, by, out);
	conf_keys(g, h, WG_ROUTING, &t->sites[h->site].public_key);
}

/* ---- from server to server ---- */

static void server(const struct gen *g, const struct topology_host *h)
{
	const struct topology *t = g->t;
	struct conf_list l;
	FILE *out;

	if (!h->mesh.family)
		return;
	out = conf_begin(g, h, WG_MESH, &l);
	conf_address(&l, &h->mesh);
	conf_end(&l);
	conf_settings(g, h, WG_MESH, out, t->mesh_port, gen_mesh_mtu(t, h));
	for (const struct topology_host *other = t->hosts; other < t->hosts + t->n_hosts; other++) {
		if (other->role != ROLE_SERVER || other == h)
			continue;
		l = conf_peer(g, out,
			      &(struct conf_peer){ .name = other->name, .key = &other->mesh_key,
						   .where = &other->lan6, .port = t->mesh_port,
						   .preshared = g->preshared_key(g, h->name,
										 other->name) });
		conf_address(&l, &other->mesh);
		conf_end(&l);
	}
	conf_keys(g, h, WG_MESH, &h->mesh_key);
}

void gen_wireguard(const struct gen *g, const struct topology_host *h)
{
	switch (h->role) {
	case ROLE_RELAY:
		relay(g, h);
		break;
	case ROLE_EDGE:
		edge(g, h);
		break;
	case ROLE_SERVER:
		server(g, h);
		break;
	case ROLE_GATEWAY:
		gen_wireguard_gateway(g, h);
		break;
	case ROLE_CLIENT:
	case ROLE_ROAMING:
		gen_wireguard_client(g, h);
		break;
	case ROLE_FIREWALL:
		break;
	}
}
