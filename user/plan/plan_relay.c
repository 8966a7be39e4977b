/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Plans the peers of the relay, from the configuration and from followed WireGuard devices: their
 * names, ids and devices, this host's own addresses on these devices, and the policy. There may be
 * tens of thousands of peers, so lookups use trees instead of linear searches.
 */
#include <errno.h>
#include <linux/rtnetlink.h>
#include <search.h>
#include <string.h>
#include "lib/grow.h"
#include "lib/log.h"
#include "plan/plan_make.h"
#include "config/config_check.h"

struct collected {
	const struct plan_builder *m;
	struct relay_peers of;
	void *names, *keys; /* trees (tsearch(3)) of pointers into of.list */
	void *running_names, *running_keys;
};

/* ---- trees ---- */

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct relay_peer *)a)->name.name,
		      ((const struct relay_peer *)b)->name.name);
}

/* Orders peers by key and device, because a key on two devices means two peers. */
static int by_key(const void *a, const void *b)
{
	const struct peer_name *x = &((const struct relay_peer *)a)->name,
			       *y = &((const struct relay_peer *)b)->name;

	return memcmp(x->key, y->key, sizeof(x->key)) ?: strcmp(x->device, y->device);
}

static struct relay_peer *find_peer(void *const *tree, const struct relay_peer *like,
				    int (*compare)(const void *, const void *))
{
	struct relay_peer *const *found = tfind(like, tree, compare);

	return found ? *found : NULL;
}

static void keep_node(void *node)
{
}

static void free_trees(struct collected *c)
{
	tdestroy(c->names, keep_node);
	tdestroy(c->keys, keep_node);
	tdestroy(c->running_names, keep_node);
	tdestroy(c->running_keys, keep_node);
	free(c->of.list);
	free(c->of.routes);
	free(c->of.reach);
}

/* ---- collecting ---- */

/* Adds a route for a peer's prefix within the overlay. It ignores all others (IPv4, or outside the
 * overlay), whose packets the kernel forwards. */
static void add_route(struct collected *c, const struct prefix *prefix,
		      const struct relay_peer *peer, bool site)
{
	__u32 word = peer - c->of.list;

	if (site)
		plan_add_route(&c->of.routes, &c->of.n_routes, prefix, word);
	if (c->m->config->follow.n_tables)
		plan_add_route(&c->of.reach, &c->of.n_reach, prefix, word);
}

static void add_to_tree(const struct relay_peer *p, void **tree,
			int (*compare)(const void *, const void *))
{
	memory_there(tsearch(p, tree, compare));
}

static const struct relay_peer *add_peer(struct collected *c, const struct relay_peer *new)
{
	struct relay_peer *p = &c->of.list[c->of.n++];

	*p = *new;
	add_to_tree(p, &c->names, by_name);
	if (!wg_key_is_none((const void *)p->name.key))
		add_to_tree(p, &c->keys, by_key);
	return p;
}

static void add_configured(struct collected *c)
{
	const struct config *config = c->m->config;

	for (size_t i = 0; i < config->n_peers; i++) {
		const struct peer_config *from = &config->peers[i];
		struct relay_peer new = { 0 };
		const struct relay_peer *p;

		strcpy(new.name.name, from->name);
		memcpy(new.name.key, &from->key, sizeof(new.name.key));
		strcpy(new.name.device, from->device);
		p = add_peer(c, &new);
		for (size_t j = 0; j < from->n_prefixes; j++)
			add_route(c, &from->prefixes[j], p, true);
	}
}

static void followed_routes(struct collected *c, const struct wg_peer *from,
			    const struct relay_peer *p)
{
	const struct prefix *overlay = &c->m->config->policy.overlay;

	for (size_t i = 0; i < from->n_allowed; i++)
		add_route(c, &from->allowed[i], p, !relay_prefix_wrong(&from->allowed[i], overlay));
}

/* Names a new followed peer: after its name in wg-quick(8)'s file, or else with the first
 * characters of its key, as many as make it unique. */
static void name_newcomer(const struct collected *c, const struct followed_device *f,
			  struct relay_peer *p)
{
	const struct wg_key *key = (const void *)p->name.key;
	char text[WG_KEY_STRLEN];

	wg_name_of(&f->names, key, p->name.name);
	wg_key_format(key, text);
	for (int n = 8; n < WG_KEY_STRLEN && find_peer(&c->names, p, by_name); n += 4)
		snprintf(p->name.name, sizeof(p->name.name), "%.*s", n, text);
}

/* Adds a peer of a followed device, unless the configuration has a peer with its key. Peers keep
 * their names while the instance runs, so running peers are added before new ones. */
static void add_followed(struct collected *c, const struct followed_device *f,
			 const struct wg_peer *from, bool newcomers)
{
	struct relay_peer new = { .name.flags = PEER_NAME_FOLLOWED }, *p, *runs;

	memcpy(new.name.key, &from->key, sizeof(new.name.key));
	strcpy(new.name.device, f->device);
	runs = find_peer(&c->running_keys, &new, by_key);
	p = find_peer(&c->keys, &new, by_key);
	if (p) {
		if (newcomers == !(p->name.flags & PEER_NAME_FOLLOWED))
			followed_routes(c, from, p);
		return;
	}
	if (runs && !find_peer(&c->names, runs, by_name))
		strcpy(new.name.name, runs->name.name);
	else if (newcomers)
		name_newcomer(c, f, &new);
	else
		return;
	followed_routes(c, from, add_peer(c, &new));
}

static void collect_peers(struct collected *c)
{
	const struct plan_input *in = c->m->in;
	size_t n = c->m->config->n_peers;

	for (size_t i = 0; i < in->n_followed; i++)
		n += in->followed_peers[i].wireguard.n_peers;
	c->of.list = xcalloc(n + 1, sizeof(*c->of.list));
	for (size_t id = 1; id < in->n_peers; id++)
		if (*in->peers[id].name.name) {
			add_to_tree(&in->peers[id], &c->running_names, by_name);
			add_to_tree(&in->peers[id], &c->running_keys, by_key);
		}
	add_configured(c);
	for (int newcomers = 0; newcomers < 2; newcomers++)
		for (size_t i = 0; i < in->n_followed; i++)
			for (size_t j = 0; j < in->followed_peers[i].wireguard.n_peers; j++)
				add_followed(c, &in->followed_peers[i],
					     &in->followed_peers[i].wireguard.peers[j], newcomers);
}

/* ---- ids and devices ---- */

/* Assigns an id to each peer. A running peer keeps its id, and a new one gets the first free id. */
static int give_ids(struct collected *c, struct plan_relay *r, __u32 *ids)
{
	const struct plan_input *in = c->m->in;
	size_t next = 1, n = in->n_peers > 1 ? in->n_peers : 1;

	for (size_t i = 0; i < c->of.n; i++) {
		const struct relay_peer *runs =
			find_peer(&c->running_names, &c->of.list[i], by_name);

		ids[i] = runs ? runs - in->peers : 0;
	}
	for (size_t i = 0; i < c->of.n; i++) {
		while (!ids[i] && next < in->n_peers && *in->peers[next].name.name)
			next++;
		ids[i] = ids[i] ?: next++;
		n = ids[i] >= n ? ids[i] + 1 : n;
	}
	if (n > ROUTE_PEER_MASK)
		return -E2BIG;
	r->peers = xcalloc(n, sizeof(*r->peers));
	r->n_peers = n;
	for (size_t i = 0; i < c->of.n; i++)
		r->peers[ids[i]] = c->of.list[i];
	return 0;
}

/* Sets a peer's device, MTU and next-hop slot. A peer behind a nic keeps its slot as long as it
 * stays on the same link. */
static void place_peer(struct plan_builder *m, struct relay_peer *p, const struct relay_peer *runs)
{
	const struct nl_link *link = host_link_by_name(m->host, p->name.device);
	const struct plan_port *port;

	link = link ? plan_base(m->host, link) : NULL;
	port = link ? plan_port(m->plan, link->ifindex) : NULL;
	if (!port)
		return;			/* plan_add_port() has printed that the device is missing */
	p->peer = (struct peer){ .ifindex = link->ifindex, .mtu = link->mtu6 ?: link->mtu,
				 .flags = port->l3 ? PEER_TUNNEL : 0 };
	if (port->l3)
		return;
	m->plan->relay.nics = true;
	p->peer.slot = runs && runs->peer.ifindex == link->ifindex && runs->peer.slot ?
		       runs->peer.slot : plan_slot(m);
	if (p->peer.slot >= m->plan->n_slots)
		m->plan->n_slots = p->peer.slot + 1;
}

/* Sets PEER_GATEWAYS for the peers on this link if the next hop of one packet may be wrong for
 * another packet. Then the kernel's routes of the overlay lead to several gateways there, or to a
 * gateway and to neighbours. Or a route has a locked MTU. */
static void mark_gateways(struct plan_builder *m, __u32 ifindex)
{
	const struct host *h = m->host;
	const struct nl_route *first = NULL;
	struct plan_relay *r = &m->plan->relay;
	bool several = false;

	for (size_t i = 0; i < h->n_routes && !several; i++) {
		const struct nl_route *route = &h->routes[i];
		const struct nl_link *link;

		if (route->type != RTN_UNICAST || !prefix_meets(&route->dst, &r->overlay))
			continue;
		link = host_link(h, route->oif);
		if (!link || plan_base(h, link)->ifindex != ifindex)
			continue;
		several = (first && !address_equal(&first->via, &route->via)) || route->locked_mtu;
		first = route;
	}
	for (size_t id = 1; id < r->n_peers && several; id++)
		if (r->peers[id].peer.ifindex == ifindex)
			r->peers[id].peer.flags |= PEER_GATEWAYS;
}

static void place_peers(struct plan_builder *m)
{
	const struct plan_input *in = m->in;
	struct plan_relay *r = &m->plan->relay;

	for (size_t id = 1; id < r->n_peers; id++)
		if (*r->peers[id].name.name)
			place_peer(m, &r->peers[id], id < in->n_peers &&
				   *in->peers[id].name.name ? &in->peers[id] : NULL);
	for (size_t i = 0; i < m->plan->n_ports && r->nics; i++)
		if (!m->plan->ports[i].l3)
			mark_gateways(m, m->plan->ports[i].ifindex);
}

/* ---- this host's addresses on the peers' devices ---- */

static unsigned int common_bits(const struct addr *a, const struct addr *b)
{
	unsigned int n = 0;

	while (n < 128 && !((a->b[n / 8] ^ b->b[n / 8]) & 0x80 >> n % 8))
		n++;
	return n;
}

/* Chooses this host's source address on a link with peers, as the kernel does (RFC 6724): one of
 * this link if it has any, then the one with the longest common prefix with the overlay. */
static struct addr own_address(const struct plan_builder *m, __u32 ifindex)
{
	const struct addr *overlay = &m->config->policy.overlay.addr;
	struct addr best = { .q = { 0, 0 } };
	unsigned int best_worth = 0;

	for (size_t i = 0; i < m->host->n_addresses; i++) {
		const struct nl_address *a = &m->host->addresses[i];
		unsigned int worth = 1 + common_bits(&a->local.addr, overlay) +
				     (a->deprecated ? 0 : 256) + (a->ifindex == ifindex ? 512 : 0);

		if (!plan_is_source(m->host, a, FAMILY_IPV6) || worth <= best_worth)
			continue;
		best_worth = worth;
		best = a->local.addr;
	}
	return best;
}

static void add_own(struct plan_builder *m, __u32 id)
{
	struct plan_relay *r = &m->plan->relay;
	__u32 ifindex = r->peers[id].peer.ifindex;

	for (size_t i = 0; i < r->n_own; i++)
		if (r->own[i].ifindex == ifindex) {
			/* 0: there are several peers on the link */
			r->own[i].peer = 0;
			return;
		}
	*append(r->own, r->n_own) =
		(struct own){ .ifindex = ifindex, .peer = id, .addr = own_address(m, ifindex) };
}

static void plan_own(struct plan_builder *m)
{
	struct plan_relay *r = &m->plan->relay;

	for (__u32 id = 1; id < r->n_peers; id++)
		if (r->peers[id].peer.ifindex)
			add_own(m, id);
	for (size_t i = 0; i < r->n_own; i++)
		if (!r->own[i].addr.q[0] && !r->own[i].addr.q[1])
			log_warning("interface %s: this host has no IPv6 address for sending ICMPv6 errors: add one",
				    host_link(m->host, r->own[i].ifindex)->name);
}

static void set_port_bits(__u64 bits[1024], const struct port_range *r, size_t n)
{
	for (size_t i = 0; i < n; i++)
		for (__u32 port = r[i].first; port <= r[i].last; port++)
			bits[port / 64] |= 1ULL << port % 64;
}

static void plan_policy(struct plan_builder *m)
{
	const struct policy_config *from = &m->config->policy;
	struct policy *p = &m->plan->relay.policy;
	__u8 type;

	set_port_bits(p->ports, from->udp_ports, from->n_udp_ports);
	set_port_bits(p->tcp_ports, from->tcp_ports, from->n_tcp_ports);
	for (unsigned int i = 0; icmpv6_name(i, &type); i++)
		if (from->icmpv6 & 1U << i)
			p->icmpv6[type / 64] |= 1ULL << type % 64;
	p->reject = from->reject;
	p->overlay = from->overlay.addr;
	p->overlay_len = from->overlay.len;
}

int plan_relay(struct plan_builder *m)
{
	struct plan_relay *r = &m->plan->relay;
	struct collected c = { .m = m };
	__u32 *ids;
	int rc;

	if (!config_relays(m->config))
		return 0;
	r->on = true;
	r->grows = m->config->follow.n_tables;
	r->running = m->in->peers;
	r->n_running = m->in->n_peers;
	r->overlay = m->config->policy.overlay;
	collect_peers(&c);
	plan_kernel_routes(m, &c.of);
	ids = xcalloc(c.of.n + 1, sizeof(*ids));
	rc = give_ids(&c, r, ids);
	for (size_t i = 0; i < c.of.n_routes; i++)
		if (c.of.routes[i].word != ROUTE_LOCAL)
			c.of.routes[i].word = ids[c.of.routes[i].word];
	if (!rc) {
		r->routes = c.of.routes;
		r->n_routes = c.of.n_routes;
		c.of.routes = NULL;
		place_peers(m);
		plan_policy(m);
		plan_own(m);
		plan_routes(m);
	}
	free_trees(&c);
	free(ids);
	return rc;
}
