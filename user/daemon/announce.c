/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * announce: finds the sites whose tunnel is alive according to WireGuard, and writes their routes.
 */
#include <errno.h>
#include <linux/rtnetlink.h>
#include <search.h>
#include <time.h>
#include "daemon/tasks.h"
#include "instance/run_counters.h"
#include "lib/grow.h"
#include "lib/log.h"
#include "lib/timer.h"
#include "net/netlink.h"
#include "config/config_check.h"

#define TICK_MS 500

struct silence {
	struct wg_key key;		/* key of the peer */
	__u32 ifindex;			/* its device: a key on two devices means two peers */
	/* Counter of bytes, and time of the handshake, as WireGuard reports them. */
	__u64 rx_bytes, handshake;
	int64_t handshake_at;		/* time of the last handshake, in ms of the loop's clock */
	uint64_t at;			/* time in ms at which rx_bytes last changed; 0: unknown */
	uint64_t since;		/* the same; if unknown, time when the peer was first seen */
};

struct routes {
	struct nl_route *list;
	size_t n;
};

struct announce {
	uv_loop_t *loop;
	const char *instance;
	uv_timer_t tick;
	const struct config *config;
	__u32 table;	/* number of the routing table with our routes; 0: we have none */
	struct routes there;
	bool stale;			/* the kernel's routes in `there` may have changed */
	void *silences;
	size_t failed;	/* routes that could not be written; only the first is logged */
};

/* ---- which sites are alive ---- */

static int by_key(const void *a, const void *b)
{
	return wg_key_compare(a, b);		/* struct wg_peer begins with the key */
}

static int compare_silences(const void *a, const void *b)
{
	const struct silence *x = a, *y = b;

	return wg_key_compare(&x->key, &y->key) ?:
	       (x->ifindex > y->ifindex) - (x->ifindex < y->ifindex);
}

static int compare_routes(const void *a, const void *b)
{
	const struct nl_route *x = a, *y = b;

	return prefix_compare(&x->dst, &y->dst) ?: (x->oif > y->oif) - (x->oif < y->oif);
}

static bool is_announced(const struct announce *a, const struct wg_peer *p, __u32 ifindex)
{
	for (size_t i = 0; i < p->n_allowed; i++) {
		struct nl_route like = { .dst = p->allowed[i], .oif = ifindex };

		if (a->there.n &&
		    bsearch(&like, a->there.list, a->there.n, sizeof(like), compare_routes))
			return true;
	}
	return false;
}

/* Returns the age in ms of the peer's last handshake, which WireGuard dates by the time of day. */
static int64_t age_by_day(const struct wg_peer *p)
{
	__u64 now = time(NULL);

	return now > p->handshake ? (int64_t)(now - p->handshake) * 1000 : 0;
}

/* Updates and returns the record of how long a peer has been silent, by the loop's clock, because
 * the time of day may be set. If the routes of a new peer are announced already, as after a restart
 * of the daemon, the peer counts as heard now. */
static struct silence *silence_of(struct announce *a, const struct wg_peer *p, __u32 ifindex)
{
	__u64 now = uv_now(a->loop);
	struct silence new = {
		.key = p->key, .ifindex = ifindex, .rx_bytes = p->rx_bytes,
		.handshake = p->handshake,
		.at = now, .since = now,
	};
	struct silence **found = tfind(&new, &a->silences, compare_silences), *h;

	if (found) {
		h = *found;
		if (h->rx_bytes != p->rx_bytes) {
			h->rx_bytes = p->rx_bytes;
			h->at = h->since = now;
		}
		if (h->handshake != p->handshake) {
			h->handshake = p->handshake;
			h->handshake_at = now;
		}
		return h;
	}
	h = xmalloc(sizeof(*h));
	*h = new;
	h->at = is_announced(a, p, ifindex) ? now : 0;
	h->handshake_at = now - age_by_day(p);
	memory_there(tsearch(h, &a->silences, compare_silences));
	return h;
}

static bool is_alive(const struct announce *a, const struct wg_peer *p, const struct silence *h)
{
	const struct announce_config *c = &a->config->announce;
	int64_t now = uv_now(a->loop), silent = c->silent * 1000LL;
	int64_t age = now - h->handshake_at;

	if (!p->handshake || age >= (c->after ?: ANNOUNCE_AFTER) * 1000LL)
		return false;
	return !silent || now - (int64_t)h->at <= silent || age <= silent;
}

/* Makes WireGuard forget the session and endpoint of a site that uses another relay with our key. A
 * packet from us, even a handshake, would make the site come back to us. */
static void forget_session(struct announce *a, const char *device, const struct wg_peer *p,
			   const struct silence *h)
{
	char key[WG_KEY_STRLEN];

	if (!a->config->announce.silent || !p->handshake || !p->endpoint.family ||
	    uv_now(a->loop) - h->since <= a->config->announce.silent * 1000ULL)
		return;
	if (!wg_renew_peer(device, p, NULL, 0))
		log_event("announce: %s, peer %.8s…: nothing was heard from it, so its session and endpoint were removed",
			  device, wg_key_format(&p->key, key));
}

/* ---- the routes of sites ---- */

static void want_route(struct announce *a, struct routes *r, const struct prefix *prefix,
		       __u32 ifindex)
{
	*append(r->list, r->n) = (struct nl_route){
		.dst = *prefix, .oif = ifindex, .table = a->table, .type = RTN_UNICAST,
		.protocol = ANNOUNCE_PROTOCOL, .metric = ANNOUNCE_METRIC,
	};
}

static void want_peer(struct announce *a, struct routes *r, const char *device,
		      const struct wg_peer *p, const struct prefix *prefixes, size_t n)
{
	const struct prefix *overlay = &a->config->policy.overlay;
	__u32 ifindex = if_nametoindex(device);
	struct silence *h = silence_of(a, p, ifindex);
	bool alive = is_alive(a, p, h), site = false;

	for (size_t i = 0; i < n; i++) {
		if (relay_prefix_wrong(&prefixes[i], overlay) ||
		    !prefix_within(&prefixes[i], overlay))
			continue;
		site = true;
		if (alive)
			want_route(a, r, &prefixes[i], ifindex);
	}
	if (site && !alive)
		forget_session(a, device, p, h);
}

/* Keeps the present routes of a device whose peers could not be read, for example because they
 * change all the time: the next tick reads them again. */
static void keep_routes(struct announce *a, struct routes *r, __u32 ifindex)
{
	for (size_t i = 0; i < a->there.n; i++)
		if (a->there.list[i].oif == ifindex)
			want_route(a, r, &a->there.list[i].dst, ifindex);
}

/* Lists the routes to announce for a device's live peers: the AllowedIPs in WireGuard if the device
 * is followed, else the prefixes in the configuration. */
static void want_device(struct announce *a, struct routes *r, const char *name)
{
	const struct config *c = a->config;
	bool followed = config_follows(c, name) || !strcmp(c->blind.device, name);
	struct wg_device d = { 0 };
	int rc = wg_read(name, &d);

	if (rc && rc != -ENODEV && rc != -EOPNOTSUPP)
		keep_routes(a, r, if_nametoindex(name));
	if (rc)
		return;
	if (d.n_peers)
		qsort(d.peers, d.n_peers, sizeof(*d.peers), by_key);
	for (size_t i = 0; i < d.n_peers && followed; i++)
		want_peer(a, r, name, &d.peers[i], d.peers[i].allowed, d.peers[i].n_allowed);
	for (size_t i = 0; i < c->n_peers && d.n_peers; i++) {
		const struct peer_config *p = &c->peers[i];
		const struct wg_peer *is = strcmp(p->device, name) ? NULL :
			bsearch(&p->key, d.peers, d.n_peers, sizeof(*d.peers), by_key);

		if (is)
			want_peer(a, r, name, is, p->prefixes, p->n_prefixes);
	}
	wg_free(&d);
}

struct devices {
	struct device_name *list;
	size_t n;
};

/* Adds a device to the list. It searches from the end, because peers of one device follow each
 * other in the configuration. */
static void add_device(struct devices *d, const char *name)
{
	for (size_t i = d->n; i-- > 0;)
		if (!strcmp(d->list[i].name, name))
			return;
	if (*name)
		strcpy(append(d->list, d->n)->name, name);
}

static void want_routes(struct announce *a, struct routes *r)
{
	const struct config *c = a->config;
	struct devices d = { 0 };

	add_device(&d, c->blind.device);
	for (size_t i = 0; i < c->follow.n_wireguard; i++)
		add_device(&d, c->follow.wireguard[i].name);
	for (size_t i = 0; i < c->n_peers; i++)
		add_device(&d, c->peers[i].device);
	for (size_t i = 0; i < d.n; i++)
		want_device(a, r, d.list[i].name);
	free(d.list);
}

static void sort_routes(struct routes *r)
{
	if (r->n)
		qsort(r->list, r->n, sizeof(*r->list), compare_routes);
}

/* Keeps one route for each prefix: with equal metrics, a table has room for only one. */
static void drop_duplicates(struct routes *r)
{
	size_t n = 0;

	for (size_t i = 0; i < r->n; i++)
		if (!n || prefix_compare(&r->list[n - 1].dst, &r->list[i].dst))
			r->list[n++] = r->list[i];
	r->n = n;
}

/* ---- the kernel's table ---- */

static int read_our_routes(__u32 table, struct routes *ret)
{
	struct nl_route *all;
	size_t n;
	int rc = nl_routes(&all, &n);

	if (rc)
		return rc;
	*ret = (struct routes){ .list = all };
	for (size_t i = 0; i < n; i++)
		if (all[i].table == table && all[i].protocol == ANNOUNCE_PROTOCOL)
			all[ret->n++] = all[i];
	return 0;
}

static bool write_route(struct announce *a, const struct nl_route *r, bool there)
{
	char text[ADDRESS_STRLEN];
	int rc = nl_route_set(r, there);

	if (rc && !a->failed)
		log_warning("announce: cannot %s %s %s table %u: %s", there ? "write" : "remove",
			    prefix_format(&r->dst, text), there ? "to" : "from", r->table,
			    strerror(-rc));
	a->failed += !!rc;
	return !rc;
}

/* Makes the kernel's routes equal to `wanted`; both lists are sorted. A new route replaces one of
 * the same prefix over another device, so that one need not be removed. */
static void write_differences(struct announce *a, const struct routes *wanted)
{
	size_t i = 0, j = 0, made = 0, gone = 0;

	while (i < wanted->n || j < a->there.n) {
		int order = i == wanted->n ? 1 : j == a->there.n ? -1 :
			    compare_routes(&wanted->list[i], &a->there.list[j]);

		if (order < 0)
			made += write_route(a, &wanted->list[i], true);
		else if (order > 0)
			gone += write_route(a, &a->there.list[j], false);
		i += order <= 0;
		j += order >= 0;
	}
	if (made || gone)
		log_event("announce: table %u: %zu %s added, %zu removed", a->table, made,
			 made == 1 ? "route" : "routes", gone);
}

static void update_routes(uv_timer_t *timer)
{
	struct announce *a = timer->data;
	struct routes wanted = { 0 };

	if (a->stale) {
		free(a->there.list);
		a->there = (struct routes){ 0 };
		a->stale = read_our_routes(a->table, &a->there);
		sort_routes(&a->there);
	}
	if (a->stale)
		return;
	a->failed = 0;
	want_routes(a, &wanted);
	sort_routes(&wanted);
	drop_duplicates(&wanted);
	if (!a->stale)
		write_differences(a, &wanted);
	free(a->there.list);
	a->there = wanted;
	a->stale |= a->failed;
}

void announce_clear(__u32 table)
{
	struct routes there;

	if (!table || read_our_routes(table, &there))
		return;
	for (size_t i = 0; i < there.n; i++)
		nl_route_set(&there.list[i], false);
	free(there.list);
}

__u32 announce_table(const char *instance)
{
	struct run_counters n;
	__u32 table;

	run_counters_read(&n, instance, "announce");
	table = run_counters_value(&n, "table");
	run_counters_free(&n);
	return table;
}

/* Notes the table that has our routes: a later daemon, or `down`, may have another
 * configuration. */
static void note_table(const struct announce *a)
{
	struct run_counters n;

	run_counters_read(&n, a->instance, "announce");
	run_counters_set(&n, "table", a->table);
	run_counters_write(&n);
	run_counters_free(&n);
}

void announce_reconfigure(struct announce *a, const struct config *c)
{
	__u32 former = a->table ?: announce_table(a->instance);

	if (former && former != c->announce.table)
		announce_clear(former);
	a->config = c;
	a->table = c->announce.table;
	a->stale = true;
	if (a->table != former)
		note_table(a);
	timer_repeat(&a->tick, a->table, update_routes, 0, TICK_MS);
}

struct announce *announce_new(uv_loop_t *loop, const char *instance)
{
	struct announce *a = xcalloc(1, sizeof(*a));

	a->loop = loop;
	a->instance = instance;
	timer_init(loop, &a->tick, a);
	return a;
}
