/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Plans the routes of the relay as the maps hold them. If the overlay is a /48, prefixes from /49
 * to /64 are expanded into an array with an element for each /64. In any other overlay, the /64s
 * are entries of the table. All other prefixes, and /64s that contain longer ones, are in the trie
 * for the longest-prefix match.
 */
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
			log_warning("peers %s and %s both have %s, and the first of the two gets "
				    "it: remove it from one of them",
				    r->peers[before->word].name.name,
				    r->peers[route->word].name.name,
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
