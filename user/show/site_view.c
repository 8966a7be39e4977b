/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Reads the blind relay's state from the maps.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include "instance/run_counters.h"
#include "instance/run_state.h"
#include "show/site_view.h"
#include "lib/grow.h"
#include "lib/jiffies.h"

static int read_site(const struct dataplane *dp, __u32 number, struct blind_view_site *ret)
{
	struct blind_waiting waiting;
	struct blind_site site;
	struct peer_name name;
	const struct blind_place *place;

	if (bpf_map_lookup_elem(map_fd(dp, MAP_blind_names), &number, &name) ||
	    bpf_map_lookup_elem(map_fd(dp, MAP_blind_sites), &number, &site) ||
	    bpf_map_lookup_elem(map_fd(dp, MAP_blind_waiting), &number, &waiting))
		return -errno;
	place = &site.place[site.now & 1];
	strcpy(ret->name, name.name);
	memcpy(&ret->key, name.key, sizeof(ret->key));
	ret->endpoint = (struct address){ .addr = place->service.to, .family = place->family };
	ret->port = place->service.port;
	ret->since = site.since;
	ret->challenges = site.challenges;
	ret->waited_for = waiting.since && waiting.since != BLIND_WRITING &&
			  jiffies_now() - waiting.since <= BLIND_SEND_SECONDS * jiffies_a_second();
	return 0;
}

/* ---- pairs ---- */

struct pairs {				/* unsorted pairs, and an index of them */
	struct blind_view_pair *list;
	size_t n;
	/* Positions in the list plus 1, by a hash of the pair; 0: free. */
	__u32 *index;
	size_t room;			/* length of the index, a power of two */
};

/* Returns the place in the index where the pair is, or should be. */
static __u32 *pair_place(const struct pairs *p, __u32 from, __u32 to)
{
	size_t at = blind_total_home(from, to, p->room - 1);

	while (p->index[at] && (p->list[p->index[at] - 1].from != from ||
				p->list[p->index[at] - 1].to != to))
		at = (at + 1) & (p->room - 1);
	return &p->index[at];
}

/* Makes the index twice as long, or makes it. */
static void grow_index(struct pairs *p)
{
	size_t room = p->room ? 2 * p->room : 1024;

	free(p->index);
	p->index = xcalloc(room, sizeof(*p->index));
	p->room = room;
	for (size_t i = 0; i < p->n; i++)
		*pair_place(p, p->list[i].from, p->list[i].to) = i + 1;
}

/* Returns the pair, which it adds if needed. */
static struct blind_view_pair *find_pair(struct pairs *p, __u32 from, __u32 to)
{
	struct blind_view_pair *added;
	__u32 *place;

	if (p->n * 2 >= p->room)
		grow_index(p);
	place = pair_place(p, from, to);
	if (*place)
		return &p->list[*place - 1];
	added = append(p->list, p->n);
	added->from = from;
	added->to = to;
	*place = p->n;
	return added;
}

#define AT_ONCE 1024			/* entries that one system call reads */

static void add_total(struct blind_view *v, struct pairs *p, const struct blind_total *t)
{
	struct blind_view_pair *pair;

	if (!t->from)
		v->uncounted += t->packets;
	if (!t->packets || !t->from || t->from >= v->n || t->to >= v->n ||
	    !*v->sites[t->from].name || !*v->sites[t->to].name)
		return;
	pair = find_pair(p, t->from, t->to);
	pair->packets += t->packets;
	pair->bytes += t->bytes;
}

/* Reads the totals of all pairs, many at a time, because there may be a million. Returns 0 or
 * -errno. */
static int read_totals(const struct dataplane *dp, struct blind_view *v, struct pairs *p)
{
	size_t n_cpus = libbpf_num_possible_cpus();
	struct blind_total *cpus = xcalloc(AT_ONCE * n_cpus, sizeof(*cpus));
	__u32 keys[AT_ONCE], count = AT_ONCE, next;
	int rc = 0;

	for (bool begun = false; !rc && count; begun = true) {
		count = AT_ONCE;
		/* ENOENT comes with the last entries. */
		if (bpf_map_lookup_batch(map_fd(dp, MAP_blind_totals), begun ? &next : NULL, &next,
					 keys, cpus, &count, NULL))
			rc = -errno;
		for (size_t i = 0; (!rc || rc == -ENOENT) && i < count * n_cpus; i++)
			add_total(v, p, &cpus[i]);
	}
	free(cpus);
	return rc == -ENOENT ? 0 : rc;
}

static int read_sessions(const struct dataplane *dp, const struct blind_view *v, struct pairs *p)
{
	struct blind_bucket *buckets;
	__u64 now = jiffies_now();
	size_t n;
	int rc = dataplane_array(dp, MAP_sessions, sizeof(*buckets), &buckets, &n);

	if (rc)
		return rc;
	for (size_t i = 0; i < n * BLIND_WAYS; i++) {
		const struct blind_session *e = &buckets[i / BLIND_WAYS].way[i % BLIND_WAYS];
		__u32 user = BLIND_USER(e->key), origin = BLIND_ORIGIN(e->value);

		if (!e->key || BLIND_UNTIL(e->value) <= now || user >= v->n || origin >= v->n ||
		    !user || !origin || !(e->value & BLIND_CONFIRMED) ||
		    !*v->sites[user].name || !*v->sites[origin].name)
			continue;
		find_pair(p, user, origin)->sessions++;
	}
	free(buckets);
	return 0;
}

static int by_numbers(const void *a, const void *b)
{
	const struct blind_view_pair *p = a, *q = b;

	return p->from != q->from ? (p->from > q->from) - (p->from < q->from) :
				    (p->to > q->to) - (p->to < q->to);
}

static int read_pairs(const struct dataplane *dp, struct blind_view *v)
{
	struct pairs p = { 0 };
	int rc = read_totals(dp, v, &p) ?: read_sessions(dp, v, &p);

	free(p.index);
	v->pairs = p.list;
	v->n_pairs = p.n;
	if (p.n)
		qsort(p.list, p.n, sizeof(*p.list), by_numbers);
	return rc;
}

int blind_view_read(const struct dataplane *dp, struct blind_view *ret)
{
	struct blind_state state = { 0 };
	__u32 zero = 0;
	int rc = 0;

	*ret = (struct blind_view){ 0 };
	if (dataplane_entries(dp, MAP_blind_sites) < 2 ||
	    bpf_map_lookup_elem(map_fd(dp, MAP_blind_state), &zero, &state))
		return 0;
	ret->n = state.sites ?: 1;
	ret->refused = state.refused;
	ret->silenced = state.silenced;
	ret->sites = xcalloc(ret->n, sizeof(*ret->sites));
	for (__u32 i = 1; i < ret->n && !rc; i++)
		rc = read_site(dp, i, &ret->sites[i]);
	rc = rc ?: read_pairs(dp, ret);
	if (rc)
		blind_view_free(ret);
	return rc;
}

void blind_view_free(struct blind_view *v)
{
	free(v->sites);
	free(v->pairs);
	*v = (struct blind_view){ 0 };
}

bool pair_has_address(const struct pair_config *c, const struct host *h)
{
	for (int i = 0; i < 2; i++)
		if (c->shared[i].family && host_address(h, &c->shared[i]))
			return true;
	return false;
}

bool pair_view_read(const char *instance, const struct config *c, const struct host *h,
		    struct pair_view *ret)
{
	struct run_counters n;

	if (!c || !*c->blind.device || !c->blind.pair.local.family)
		return false;
	run_counters_read(&n, instance, "pair");
	*ret = (struct pair_view){
		.active = pair_has_address(&c->blind.pair, h),
		.other_active = run_counters_value(&n, PAIR_OTHER_ACTIVE),
		.connected = run_counters_value(&n, PAIR_CONNECTED),
		.heard = run_counters_value(&n, PAIR_HEARD),
		.received = run_counters_value(&n, PAIR_RECEIVED),
	};
	/* The connection must have ended: a daemon that was killed has left its file as it was. */
	if ((__u64)time(NULL) > ret->heard + 2 * PAIR_SILENT_SECONDS)
		ret->connected = 0;
	run_counters_free(&n);
	return true;
}

/* ---- sites of the relay ---- */

/* ---- what WireGuard says ---- */

static int by_key(const void *a, const void *b)
{
	return wg_key_compare(&(*(const struct wg_peer *const *)a)->key,
			      &(*(const struct wg_peer *const *)b)->key);
}

/* Reads a device from WireGuard, and stores for each peer of the relay its peer there. */
static void read_device(struct relay_view *v, const char *device)
{
	const struct wg_peer **sorted;
	struct relay_device *place;
	struct wg_device d = { 0 };

	if (wg_read(device, &d))
		return;		/* no WireGuard device has this name now */
	place = append(v->devices, v->n_devices);
	snprintf(place->name, sizeof(place->name), "%s", device);
	place->wg = d;
	sorted = xcalloc(d.n_peers + 1, sizeof(*sorted));
	for (size_t i = 0; i < d.n_peers; i++)
		sorted[i] = &d.peers[i];
	qsort(sorted, d.n_peers, sizeof(*sorted), by_key);
	for (size_t id = 1; id < v->n_peers; id++) {
		struct wg_peer like;
		const struct wg_peer *wanted = &like, **found;

		if (strcmp(v->peers[id].name.device, device))
			continue;
		memcpy(&like.key, v->peers[id].name.key, sizeof(like.key));
		found = bsearch(&wanted, sorted, d.n_peers, sizeof(*sorted), by_key);
		v->wireguard[id] = found ? *found : NULL;
	}
	free(sorted);
}

static void read_wireguard(struct relay_view *v)
{
	v->wireguard = xcalloc(v->n_peers + 1, sizeof(*v->wireguard));
	for (size_t id = 1; id < v->n_peers; id++) {
		const char *device = v->peers[id].name.device;
		size_t before = 1;

		while (*device && before < id && strcmp(v->peers[before].name.device, device))
			before++;		/* skip free ids, whose device is "" */
		if (*device && before == id)
			read_device(v, device);
	}
}

/* ---- prefixes as configured ---- */

static void read_shapes(const struct dataplane *dp, const struct relay_view *v, struct prefixes *s)
{
	struct config *c = NULL;

	run_state_read(dp->instance, &c);
	for (size_t i = 0; c && i < c->n_peers; i++)
		for (size_t j = 0; j < c->peers[i].n_prefixes; j++)
			*append(s->list, s->n) = c->peers[i].prefixes[j];
	for (size_t id = 1; id < v->n_peers; id++)
		for (size_t j = 0; v->wireguard[id] && j < v->wireguard[id]->n_allowed; j++)
			*append(s->list, s->n) = v->wireguard[id]->allowed[j];
	config_free(c);
}

int relay_view_read(const struct dataplane *dp, bool routes, struct relay_view *ret)
{
	struct relay_view v = { 0 };
	struct prefixes shapes = { 0 };
	int rc = dataplane_peers(dp, &v.peers, &v.n_peers);

	while (!rc && v.n_peers && !*v.peers[v.n_peers - 1].name.name)
		v.n_peers--;			/* drop ids at the end that no peer has */
	rc = rc ?: dataplane_peer_totals(dp, v.n_peers, &v.totals);
	if (!rc)
		read_wireguard(&v);
	if (!rc && routes) {
		read_shapes(dp, &v, &shapes);
		rc = dataplane_routes(dp, shapes.list, shapes.n, &v.routes, &v.n_routes);
	}
	free(shapes.list);
	if (rc)
		relay_view_free(&v);
	else
		*ret = v;
	return rc;
}

struct total relay_view_total(const struct relay_view *v, __u32 id, enum peer_direction direction)
{
	const struct total *xdp = &v->totals[total_index(id, direction, PLANE_XDP)],
			   *tc = &v->totals[total_index(id, direction, PLANE_TC)];

	return (struct total){ .refused = xdp->refused + tc->refused,
			       .forwarded = xdp->forwarded + tc->forwarded,
			       .bytes = xdp->bytes + tc->bytes };
}

bool relay_view_is_wireguard(const struct relay_view *v, const char *device)
{
	for (size_t i = 0; i < v->n_devices; i++)
		if (!strcmp(v->devices[i].name, device))
			return true;
	return false;
}

void relay_view_free(struct relay_view *v)
{
	for (size_t i = 0; i < v->n_devices; i++)
		wg_free(&v->devices[i].wg);
	free(v->devices);
	free(v->wireguard);
	free(v->peers);
	free(v->totals);
	free(v->routes);
}
