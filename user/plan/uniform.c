/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The map is a trie with 16 bits of the address in each step, and it is built breadth first. A
 * block resolves one step. It is filled from the routes within it: shorter routes first, so that
 * longer routes overwrite them. A route may be longer than the block's step and differ from the
 * shorter route around it. Then its place refers to a further block.
 */
#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include "lib/memory.h"
#include "plan/uniform.h"

#define PLACES 65536
#define STEP 16
#define STEPS 3

struct hop_route {				/* route: prefix and next hop */
	struct prefix dst;
	__u32 metric;
	__u16 answer;
	bool local;	/* the route is in the table local, which the kernel searches first */
};

struct block {				/* block of the map that is still to be filled */
	struct addr addr;
	/* The block is for addresses that begin with the first `len` bits of `addr`. */
	__u8 family, len;
	/* Value for addresses that have no route within the block, from shorter prefixes. */
	__u16 surrounding;
};

struct uniform_work {
	struct uniform u;
	struct hop_route *routes;
	size_t n, next;			/* next: block that uniform_next() fills */
	struct block blocks[UNIFORM_BLOCKS];
	__u16 answer[PLACES];
	bool deeper[PLACES];
};

/* Returns STEP bits of an address, of which the first is bit `from`. */
static __u32 bits_at(const struct prefix *p, __u32 from)
{
	const __u8 *b = p->addr.b + (p->family == FAMILY_IPV4 ? 12 : 0) + from / 8;

	return b[0] << 8 | b[1];
}

static bool is_standard(const struct nl_rule *r)
{
	return r->action == FR_ACT_TO_TBL && !r->src.family && !r->dst.family && !r->tos &&
	       !r->mark && !r->iif && !r->oif && !r->dport && !r->sport && !r->unknown &&
	       !r->other &&
	       ((r->table == RT_TABLE_LOCAL && r->priority == 0) ||
		(r->table == RT_TABLE_MAIN && r->priority == 32766) ||
		(r->table == RT_TABLE_DEFAULT && r->priority == 32767));
}

/* Returns whether the kernel routes by destination alone, with the tables local and main. */
static bool by_destination(const struct host *h, __u8 family)
{
	for (size_t i = 0; i < h->n_rules; i++)
		if (h->rules[i].family == family && !is_standard(&h->rules[i]))
			return false;
	for (size_t i = 0; i < h->n_routes; i++)
		if (h->routes[i].dst.family == family && h->routes[i].table == RT_TABLE_DEFAULT)
			return false;
	return true;
}

/* Returns the index of the route's next hop in u->hops, which it may add there. Returns 0 if there
 * is no room, or if each address is its own next hop (on-link). Returns 0 also for a route with a
 * locked MTU: clients of other routes have the same next hop, but another MTU. */
static __u16 hop_index(struct uniform *u, const struct host *h, const struct nl_route *r)
{
	const struct nl_link *oif = host_link(h, r->oif);
	struct uniform_hop hop = { .family = r->dst.family, .oif = r->oif, .via = r->via.addr };

	if (r->type != RTN_UNICAST || r->conditional || r->locked_mtu || !oif ||
	    (r->gateway ? !r->via.family : oif->ethernet))
		return 0;
	for (size_t i = 1; i < u->n_hops; i++)
		if (u->hops[i].family == hop.family && u->hops[i].oif == hop.oif &&
		    !memcmp(&u->hops[i].via, &hop.via, sizeof(hop.via)))
			return i;
	if (u->n_hops == NEXTHOP_UNIFORM)
		return 0;
	u->hops[u->n_hops] = hop;
	return u->n_hops++;
}

/* Orders the routes for filling, in which later routes overwrite earlier ones: main before local,
 * shorter prefixes before longer ones; for the same prefix the best metric comes first. */
static int in_order(const void *a, const void *b)
{
	const struct hop_route *x = a, *y = b;
	int addr = memcmp(&x->dst.addr, &y->dst.addr, sizeof(x->dst.addr));

	if (x->local != y->local)
		return x->local - y->local;
	if (x->dst.len != y->dst.len)
		return x->dst.len - y->dst.len;
	return addr ?: x->metric < y->metric ? -1 : x->metric > y->metric;
}

/* Keeps only the best route to each prefix. If several are equally good, its value becomes 0 ("ask
 * the FIB"). */
static void keep_best(struct uniform_work *f)
{
	size_t n = 0;

	qsort(f->routes, f->n, sizeof(*f->routes), in_order);
	for (size_t i = 0; i < f->n; i++) {
		struct hop_route *last = n ? &f->routes[n - 1] : NULL;

		if (!last || last->local != f->routes[i].local ||
		    last->dst.family != f->routes[i].dst.family ||
		    last->dst.len != f->routes[i].dst.len ||
		    memcmp(&last->dst.addr, &f->routes[i].dst.addr, sizeof(last->dst.addr)))
			f->routes[n++] = f->routes[i];
		else if (last->metric == f->routes[i].metric)
			last->answer = 0;
	}
	f->n = n;
}

static bool is_inside(const struct hop_route *s, const struct block *b)
{
	struct prefix block = { .addr = b->addr, .family = b->family, .len = b->len };

	return prefix_within(&s->dst, &block) && (s->dst.len > b->len || !b->len);
}

static void fill_places(struct uniform_work *f, const struct block *b, const struct hop_route *s)
{
	__u32 first = bits_at(&s->dst, b->len), n;

	if (s->dst.len > b->len + STEP) {
		f->deeper[first] |= f->answer[first] != s->answer;
		return;
	}
	n = 1 << (b->len + STEP - s->dst.len);
	for (__u32 i = first; i < first + n; i++) {
		f->answer[i] = s->answer;
		f->deeper[i] = false;
	}
}

/* Begins a new block, for routes that are longer than block b can tell apart, and returns the value
 * that refers to it; 0 ("ask the FIB") if no block is free. */
static __u16 go_deeper(struct uniform_work *f, const struct block *b, __u32 place)
{
	struct block *new = &f->blocks[f->u.n_blocks];
	__u8 *at;

	if (f->u.n_blocks == UNIFORM_BLOCKS ||
	    b->len + STEP >= (b->family == FAMILY_IPV4 ? 32 : STEPS * STEP))
		return 0;
	*new = (struct block){
		.addr = b->addr, .family = b->family, .len = b->len + STEP,
		.surrounding = f->answer[place],
	};
	at = new->addr.b + (b->family == FAMILY_IPV4 ? 12 : 0) + b->len / 8;
	at[0] = place >> 8;
	at[1] = place;
	return UNIFORM_DEEPER | f->u.n_blocks++;
}

static void fill_block(struct uniform_work *f, size_t number)
{
	const struct block *b = &f->blocks[number];

	for (__u32 i = 0; i < PLACES; i++)
		f->answer[i] = b->surrounding;
	memset(f->deeper, 0, sizeof(f->deeper));
	for (size_t i = 0; i < f->n; i++)
		if (is_inside(&f->routes[i], b))
			fill_places(f, b, &f->routes[i]);
	for (__u32 i = 0; i < PLACES; i++)
		f->u.rows[number * UNIFORM_ROWS + i / UNIFORM_ROW].slot[i % UNIFORM_ROW] =
			f->deeper[i] ? go_deeper(f, b, i) : f->answer[i];
}

static void collect_routes(struct uniform_work *f, const struct host *h)
{
	bool by[2] = { by_destination(h, FAMILY_IPV4), by_destination(h, FAMILY_IPV6) };

	for (size_t i = 0; i < h->n_routes; i++) {
		const struct nl_route *r = &h->routes[i];
		bool local = r->table == RT_TABLE_LOCAL;

		if (!by[r->dst.family == FAMILY_IPV6] || (!local && r->table != RT_TABLE_MAIN))
			continue;
		f->routes[f->n++] = (struct hop_route){
			.dst = r->dst, .metric = r->metric, .local = local,
			.answer = local ? 0 : hop_index(&f->u, h, r),
		};
	}
}

struct uniform_work *uniform_begin(const struct host *h)
{
	struct uniform_work *f = xcalloc(1, sizeof(*f));

	f->routes = xcalloc(h->n_routes + 1, sizeof(*f->routes));
	f->u.n_hops = 1;
	f->u.n_blocks = 2;
	f->blocks[UNIFORM_IPV4] = (struct block){ .addr.w[2] = htonl(0xffff),
						  .family = FAMILY_IPV4 };
	f->blocks[UNIFORM_IPV6] = (struct block){ .family = FAMILY_IPV6 };
	collect_routes(f, h);
	keep_best(f);
	return f;
}

bool uniform_next(struct uniform_work *f, __u32 *ret_block)
{
	if (f->next == f->u.n_blocks)
		return false;
	fill_block(f, f->next);
	*ret_block = f->next++;
	return true;
}

const struct uniform *uniform_of(const struct uniform_work *f)
{
	return &f->u;
}

void uniform_end(struct uniform_work *f)
{
	free(f->routes);
	free(f);
}
