/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Plans the routes of the relay as the maps hold them. If the overlay is a /48, prefixes from /49
 * to /64 are expanded into an array with an element for each /64. In any other overlay, the /64s
 * are entries of the table. All other prefixes, and /64s that contain longer ones, are in the trie
 * for the longest-prefix match.
 */
#include <linux/rtnetlink.h>
#include <string.h>
#include "lib/grow.h"
#include "lib/log.h"
#include "plan/plan_make.h"

/* Returns the place of a route among those with the same prefix: peers by id, this host, and last
 * the routes that lead nowhere. */
static __u32 precedence(const struct relay_route *r)
{
	return r->word & ROUTE_PEER_MASK ?: r->word & ROUTE_LOCAL ? ~1U : ~0U;
}

/* Orders routes by address, shorter prefixes first, and equal prefixes by precedence. */
static int compare_routes(const void *a, const void *b)
{
	const struct relay_route *x = a, *y = b;
	__u32 px = precedence(x), py = precedence(y);

	return prefix_compare(&x->prefix, &y->prefix) ?: (px > py) - (px < py);
}

void plan_add_route(struct relay_route **list, size_t *n, const struct prefix *prefix, __u32 word)
{
	*append(*list, *n) = (struct relay_route){ *prefix, word };
}

/* Adds ROUTE_LOCAL routes for this host's addresses in the overlay and its on-link prefixes there,
 * which the kernel serves. The on-link prefix of a device with peers belongs to these. */
static void add_locals(struct plan_builder *m)
{
	struct plan_relay *r = &m->plan->relay;

	for (size_t i = 0; i < m->host->n_addresses; i++) {
		const struct nl_address *a = &m->host->addresses[i];
		const struct nl_link *link = host_link(m->host, a->ifindex);
		struct prefix own = { .addr = a->local.addr, .family = a->local.family,
				      .len = 128 };

		if (!link || !prefix_within(&own, &r->overlay))
			continue;
		plan_add_route(&r->routes, &r->n_routes, &own, ROUTE_LOCAL);
		own.len = a->prefix_len;
		prefix_clear_host(&own);
		if (own.len < 128 && own.len > r->overlay.len &&
		    !plan_has_peers(m->plan, plan_base(m->host, link)->ifindex))
			plan_add_route(&r->routes, &r->n_routes, &own, ROUTE_LOCAL);
	}
}

/* Sorts the routes and removes duplicates. If two peers have the same prefix, it warns and keeps
 * the first. */
static void sort_routes(struct plan_relay *r)
{
	char text[ADDRESS_STRLEN];
	size_t n = 0;

	if (r->n_routes)
		qsort(r->routes, r->n_routes, sizeof(*r->routes), compare_routes);
	for (size_t i = 0; i < r->n_routes; i++) {
		const struct relay_route *route = &r->routes[i];
		const struct relay_route *before = n ? &r->routes[n - 1] : NULL;

		if (!before || prefix_compare(&before->prefix, &route->prefix))
			r->routes[n++] = *route;
		else if (route->word & ROUTE_PEER_MASK && route->word != before->word)
			log_warning("peers %s and %s both have %s, and the first of the two gets it: remove it from one of them",
				r->peers[before->word].name.name, r->peers[route->word].name.name,
				    prefix_format(&route->prefix, text));
	}
	r->n_routes = n;
}

static void add_longest(struct plan_relay *r, const struct prefix *prefix, __u32 word)
{
	plan_add_route(&r->longest, &r->n_longest, prefix, word);
}

/* ---- an overlay that is a /48 ---- */

static __u32 subnet_of(const struct addr *a)
{
	return a->b[6] << 8 | a->b[7];
}

/* Fills the map `subnets`, a word for each /64. Longer prefixes come later, and overwrite the words
 * that a shorter prefix around them has set. */
static void expand_subnets(struct plan_relay *r)
{
	r->subnets = xcalloc(SUBNETS, sizeof(*r->subnets));
	for (size_t i = 0; i < r->n_routes; i++) {
		const struct relay_route *route = &r->routes[i];
		__u32 first = subnet_of(&route->prefix.addr);

		if (!prefix_within(&route->prefix, &r->overlay) || route->prefix.len > 64)
			continue;
		for (__u32 j = 0; j < 1U << (64 - route->prefix.len); j++)
			r->subnets[first + j] = route->word;
	}
	for (size_t i = 0; i < r->n_routes; i++) {
		const struct relay_route *route = &r->routes[i];
		bool inside = prefix_within(&route->prefix, &r->overlay);
		__u32 *word = &r->subnets[subnet_of(&route->prefix.addr)];
		struct prefix all = { .addr.q[0] = route->prefix.addr.q[0], .family = FAMILY_IPV6,
				      .len = 64 };

		if (inside && route->prefix.len <= 64)
			continue;
		if (inside && *word && !(*word & ROUTE_LONGER))
			add_longest(r, &all, *word);
		if (inside)
			*word |= ROUTE_LONGER;
		add_longest(r, &route->prefix, route->word);
	}
}

/* ---- any other overlay ---- */

/* Adds a /64 to the table, without a search for duplicates: sort_routes() has removed them. */
static void add_entry(struct plan *p, const struct addr *addr, __u32 word)
{
	struct table_entry *e = append(p->entries, p->n_entries);

	e->key.addr = *addr;
	e->key.word = table_word(KEY_ROUTE, FAMILY_IPV6, 0, 0);
	e->route.word = word;
	p->relay.routes64 = true;
}

/* Puts each route into the table (a /64) or into the trie. In the sorted list, longer prefixes
 * within a /64 follow it. */
static void spread_routes(struct plan *p)
{
	struct plan_relay *r = &p->relay;

	for (size_t i = 0; i < r->n_routes; i++) {
		const struct relay_route *route = &r->routes[i];
		bool longer = i + 1 < r->n_routes &&
			      prefix_within(&r->routes[i + 1].prefix, &route->prefix);

		if (route->prefix.len == 64)
			add_entry(p, &route->prefix.addr,
				  route->word | (longer ? ROUTE_LONGER : 0));
		if (route->prefix.len != 64 || longer)
			add_longest(r, &route->prefix, route->word);
	}
}

void plan_routes(struct plan_builder *m)
{
	struct plan_relay *r = &m->plan->relay;

	add_locals(m);
	sort_routes(r);
	if (r->overlay.len == 48)
		expand_subnets(r);
	else
		spread_routes(m->plan);
}

/* ---- routes in the kernel's tables ----
 * They come for example from a routing daemon. If a kernel route has the same prefix as a peer
 * of the configuration, the kernel's route has precedence. */

struct wanted {				/* kernel route within the overlay */
	const struct nl_route *route;
	size_t rank;			/* index of its table in follow.tables */
	__u32 word;			/* route word, from find_word() */
};

struct reach {				/* prefix or AllowedIP of a peer */
	__u32 ifindex;
	struct prefix prefix;
	__u32 peer;
};

struct device {
	__u32 ifindex;
	__u32 only;		/* index of its peer, if it has only one */
	bool several;
	/* It is a WireGuard device, which sends to a peer only packets within its AllowedIPs. */
	bool strict;
};

struct kernel {
	const struct plan_builder *m;
	const struct relay_peers *from;
	struct wanted *wanted;
	size_t n_wanted;
	struct reach *reach;
	size_t n_reach;
	struct device *devices;
	size_t n_devices;
	bool lengths[129];		/* lengths that the prefixes in `reach` have */
	const struct nl_route *unfit; /* first route whose device has no peer for it; NULL: none */
	size_t n_unfit;
};

/* ---- the kernel's routes ---- */

static bool is_ours(const struct nl_route *r, const struct prefix *overlay)
{
	return !r->conditional && r->protocol != RTPROT_KERNEL && prefix_within(&r->dst, overlay) &&
	       (r->type == RTN_UNICAST || r->type == RTN_UNREACHABLE || r->type == RTN_BLACKHOLE ||
		r->type == RTN_PROHIBIT);
}

static size_t table_rank(const struct follow_config *f, __u32 table)
{
	size_t i = 0;

	while (i < f->n_tables && f->tables[i] != table)
		i++;
	return i;
}

static int compare_prefixes(const void *a, const void *b)
{
	return prefix_compare(&((const struct wanted *)a)->route->dst,
			      &((const struct wanted *)b)->route->dst);
}

/* Orders routes by prefix, and routes of the same prefix by precedence: first by table, then by the
 * lowest metric. */
static int compare_wanted(const void *a, const void *b)
{
	const struct wanted *x = a, *y = b;

	return compare_prefixes(a, b) ?: (x->rank > y->rank) - (x->rank < y->rank) ?:
	       (x->route->metric > y->route->metric) - (x->route->metric < y->route->metric) ?:
	       (x->route > y->route) - (x->route < y->route);
}

static void find_wanted(struct kernel *k)
{
	const struct follow_config *f = &k->m->config->follow;
	const struct host *h = k->m->host;
	size_t n = 0;

	for (size_t i = 0; i < h->n_routes; i++) {
		size_t r = table_rank(f, h->routes[i].table);

		if (r < f->n_tables && is_ours(&h->routes[i], &k->m->plan->relay.overlay))
			*append(k->wanted, k->n_wanted) =
				(struct wanted){ .route = &h->routes[i], .rank = r };
	}
	if (k->n_wanted)
		qsort(k->wanted, k->n_wanted, sizeof(*k->wanted), compare_wanted);
	for (size_t i = 0; i < k->n_wanted; i++)
		if (!n || compare_prefixes(&k->wanted[n - 1], &k->wanted[i]))
			k->wanted[n++] = k->wanted[i];
	k->n_wanted = n;
}

/* ---- peers by device ---- */

static struct device *find_device(struct kernel *k, __u32 ifindex)
{
	for (size_t i = k->n_devices; i-- > 0;)
		if (k->devices[i].ifindex == ifindex)
			return &k->devices[i];
	return NULL;
}

/* Finds the devices of all peers. ret_ifindex: the ifindex of each peer's device, in the order of
 * the peers; 0: it does not exist. */
static void find_devices(struct kernel *k, __u32 *ret_ifindex)
{
	const char *name = "";
	__u32 ifindex = 0;

	for (size_t i = 0; i < k->from->n; i++) {
		const struct relay_peer *p = &k->from->list[i];
		struct device *d;

		/* Look up each device once: its peers follow each other. */
		if (strcmp(name, p->name.device)) {
			const struct nl_link *link = host_link_by_name(k->m->host, p->name.device);

			name = p->name.device;
			ifindex = link ? link->ifindex : 0;
		}
		ret_ifindex[i] = ifindex;
		d = ifindex ? find_device(k, ifindex) : NULL;
		if (d)
			d->several = true;
		else if (ifindex)
			*append(k->devices, k->n_devices) =
				(struct device){ .ifindex = ifindex, .only = i,
						 .strict = config_follows(k->m->config, name) };
	}
}

static int compare_reach(const void *a, const void *b)
{
	const struct reach *x = a, *y = b;

	return (x->ifindex > y->ifindex) - (x->ifindex < y->ifindex) ?:
	       prefix_compare(&x->prefix, &y->prefix);
}

static void find_reach(struct kernel *k)
{
	__u32 *ifindex = xcalloc(k->from->n + 1, sizeof(*ifindex));

	find_devices(k, ifindex);
	for (size_t i = 0; i < k->from->n_reach; i++) {
		const struct relay_route *from = &k->from->reach[i];

		if (!ifindex[from->word] || from->prefix.family != FAMILY_IPV6)
			continue;
		*append(k->reach, k->n_reach) =
			(struct reach){ ifindex[from->word], from->prefix, from->word };
		k->lengths[from->prefix.len] = true;
	}
	if (k->n_reach)
		qsort(k->reach, k->n_reach, sizeof(*k->reach), compare_reach);
	free(ifindex);
}

/* Returns the index of the peer to which WireGuard sends packets within this prefix: on the device,
 * the peer with the longest prefix that contains it. Returns -1 if there is none. */
static int find_reaching_peer(const struct kernel *k, __u32 ifindex, const struct prefix *prefix)
{
	for (int len = prefix->len; len >= 0; len--) {
		struct reach like = { .ifindex = ifindex, .prefix = *prefix };
		const struct reach *found;

		if (!k->lengths[len])
			continue;
		like.prefix.len = len;
		prefix_clear_host(&like.prefix);
		found = bsearch(&like, k->reach, k->n_reach, sizeof(like), compare_reach);
		if (found)
			return found->peer;
	}
	return -1;
}

/* ---- both ---- */

/* Sets the word of the route to the index of its peer. Returns false if no peer of the device has
 * the prefix: WireGuard would refuse to send such packets. */
static bool find_word(struct kernel *k, struct wanted *w)
{
	const struct nl_route *r = w->route;
	const struct device *d = find_device(k, r->oif);
	struct prefix via = { .addr = r->via.addr, .family = r->via.family, .len = 128 };
	int peer = -1;

	w->word = ROUTE_LOCAL;			/* at first: pass its packets up to the kernel */
	if (r->type != RTN_UNICAST)
		w->word = k->from->n;		/* index n: no peer */
	if (r->type != RTN_UNICAST || !d)
		return true;
	if (d->several || d->strict)
		peer = find_reaching_peer(k, r->oif, &r->dst);
	else
		peer = d->only;
	if (peer < 0 && !d->strict && via.family)
		peer = find_reaching_peer(k, r->oif, &via);
	w->word = peer;
	return peer >= 0;
}

/* Removes peers' own routes for prefixes that have a kernel route. */
static void drop_others(const struct kernel *k, struct relay_peers *from)
{
	size_t n = 0;

	for (size_t i = 0; i < from->n_routes; i++) {
		struct nl_route route = { .dst = from->routes[i].prefix };
		struct wanted like = { .route = &route };

		if (!k->n_wanted || !bsearch(&like, k->wanted, k->n_wanted, sizeof(like),
					     compare_prefixes))
			from->routes[n++] = from->routes[i];
	}
	from->n_routes = n;
}

static void add_routes(struct kernel *k, struct relay_peers *from)
{
	size_t n = 0;

	for (size_t i = 0; i < k->n_wanted; i++) {
		if (find_word(k, &k->wanted[i])) {
			k->wanted[n++] = k->wanted[i];
			continue;
		}
		k->unfit = k->unfit ?: k->wanted[i].route;
		k->n_unfit++;
	}
	k->n_wanted = n;
	drop_others(k, from);
	for (size_t i = 0; i < n; i++)
		plan_add_route(&from->routes, &from->n_routes, &k->wanted[i].route->dst,
			       k->wanted[i].word);
}

static void tell_unfit(const struct kernel *k)
{
	const struct nl_link *link = k->unfit ? host_link(k->m->host, k->unfit->oif) : NULL;
	char text[ADDRESS_STRLEN];

	if (link)
		log_warning("interface %s: no peer has %s in its AllowedIPs, so the kernel's route to it%s is ignored: add it to a peer",
			    link->name, prefix_format(&k->unfit->dst, text),
			    k->n_unfit > 1 ? ", and others," : "");
}

void plan_kernel_routes(const struct plan_builder *m, struct relay_peers *from)
{
	struct kernel k = { .m = m, .from = from };

	if (!m->config->follow.n_tables)
		return;
	find_wanted(&k);
	find_reach(&k);
	add_routes(&k, from);
	tell_unfit(&k);
	free(k.wanted);
	free(k.reach);
	free(k.devices);
}
