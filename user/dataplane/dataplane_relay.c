/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Implements the part of dataplane.h for the relay: reads its maps, makes them match a plan, and
 * writes only the differences. It writes what others refer to first: peers, then the trie, then the
 * table and subnets. It removes in the opposite order.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <sys/random.h>
#include "dataplane/dataplane.h"
#include "lib/grow.h"
#include "lib/log.h"
#include "dataplane/map_info.h"

int dataplane_peers(const struct dataplane *dp, struct relay_peer **ret, size_t *ret_n)
{
	struct peer_name *names = NULL;
	struct relay_peer *list;
	struct peer *peers = NULL;
	size_t n_names = 0, n = 0;
	int rc = dataplane_array(dp, MAP_peer_names, sizeof(*names), &names, &n_names) ?:
		 dataplane_array(dp, MAP_peers, sizeof(*peers), &peers, &n);

	if (!rc) {
		n = n < n_names ? n : n_names;
		*ret = list = xcalloc(n + 1, sizeof(*list));
		*ret_n = n;
		for (size_t i = 0; i < n; i++)
			list[i] = (struct relay_peer){ names[i], peers[i] };
	}
	free(names);
	free(peers);
	return rc;
}

struct peer_sums {
	struct total *list;
	size_t cpus, n, done;
};

static int add_totals(void *data, const void *keys, const void *values, __u32 n)
{
	const struct total *value = values;
	struct peer_sums *s = data;

	for (; n && s->done < s->n; n--, s->done++)
		for (size_t cpu = 0; cpu < s->cpus; cpu++, value++) {
			s->list[s->done].refused += value->refused;
			s->list[s->done].forwarded += value->forwarded;
			s->list[s->done].bytes += value->bytes;
		}
	return 0;
}

/* Reads about a megabyte at a time, because each element has a value for every possible CPU. */
int dataplane_peer_totals(const struct dataplane *dp, size_t n_peers, struct total **ret)
{
	struct peer_sums s = { .cpus = libbpf_num_possible_cpus(),
			       .n = total_index(n_peers, 0, 0) };
	int rc;

	s.list = xcalloc(s.n + 1, sizeof(*s.list));
	rc = dataplane_batches(map_fd(dp, MAP_peer_totals), sizeof(__u32),
			       s.cpus * sizeof(struct total), 1 + 32768 / s.cpus, add_totals, &s);
	if (rc)
		free(s.list);
	else
		*ret = s.list;
	return rc;
}

static int by_prefix(const void *a, const void *b)
{
	const struct relay_route *x = a, *y = b;

	return prefix_compare(&x->prefix, &y->prefix);
}

struct routes {
	struct relay_route *list;
	size_t n;
};

static void add_route(struct routes *to, const struct addr *addr, __u8 len, __u32 word)
{
	*append(to->list, to->n) = (struct relay_route){
		{ .addr = *addr, .family = FAMILY_IPV6, .len = len }, word };
}

/* Removes duplicates (a /64 that contains longer prefixes is also in the trie), and prefixes of
 * this host, which belong to no peer. */
static void drop_duplicates(struct routes *r)
{
	size_t kept = 0;

	for (size_t i = 0; i < r->n; i++) {
		r->list[i].word &= ROUTE_PEER_MASK;
		if (r->list[i].word && (!kept || by_prefix(&r->list[kept - 1], &r->list[i])))
			r->list[kept++] = r->list[i];
	}
	r->n = kept;
}

static int add_longest(void *data, const void *keys, const void *values, __u32 n)
{
	const struct route_key *key = keys;
	const __u32 *words = values;
	struct routes *r = data;

	for (__u32 i = 0; i < n; i++)
		add_route(r, &key[i].addr, key[i].prefixlen - 32, words[i]);
	return 0;
}

/* Reads the trie. The caller holds the instance's lock, so nothing changes meanwhile. */
static int read_longest(const struct dataplane *dp, struct routes *r)
{
	return dataplane_batches(map_fd(dp, MAP_routes), sizeof(struct route_key), sizeof(__u32),
				 MAP_STEP, add_longest, r);
}

static void sort_routes(struct routes *r)
{
	if (r->n)
		qsort(r->list, r->n, sizeof(*r->list), by_prefix);
}

/* ---- subnets, in prefixes ---- */

static int shorter_first(const void *a, const void *b)
{
	const struct prefix *x = a, *y = b;

	return x->len - y->len;
}

struct words {
	struct prefix overlay;
	const __u32 *word;		/* the map, an array of SUBNETS words */
	/* The element is within a prefix that is already in the list. */
	bool said[SUBNETS];
	struct routes *to;
};

static void add_words(struct words *w, __u32 first, __u8 len)
{
	struct addr addr = w->overlay.addr;

	addr.b[6] = first >> 8;
	addr.b[7] = first;
	add_route(w->to, &addr, len, w->word[first] & ROUTE_PEER_MASK);
}

/* Adds a configured prefix to the list if all subnets in it belong to one peer. Subnets of longer
 * prefixes, which were added before, do not count. */
static void add_shape(struct words *w, const struct prefix *p)
{
	__u32 first = p->addr.b[6] << 8 | p->addr.b[7], n = 1U << (64 - p->len), at = n, mine = 0;

	for (__u32 i = 0; i < n; i++) {
		if (w->said[first + i])
			continue;
		if (at < n && (w->word[first + i] ^ w->word[first + at]) & ROUTE_PEER_MASK)
			return;
		at = at < n ? at : i;
		mine++;
	}
	if (!mine || !(w->word[first + at] & ROUTE_PEER_MASK))
		return;
	memset(&w->said[first], true, n);
	add_route(w->to, &p->addr, p->len, w->word[first + at] & ROUTE_PEER_MASK);
}

/* Returns the number of subnets in the largest prefix that begins at `from` and has one peer. */
static __u32 widest_prefix(const struct words *w, __u32 from)
{
	__u32 n = 1;

	while (n < SUBNETS / 2 && !(from & (2 * n - 1))) {
		for (__u32 i = n; i < 2 * n; i++)
			if (w->said[from + i] ||
			    (w->word[from + i] ^ w->word[from]) & ROUTE_PEER_MASK)
				return n;
		n *= 2;
	}
	return n;
}

static int add_subnets(const struct dataplane *dp, struct prefix *shapes, size_t n_shapes,
		       struct routes *to)
{
	struct words *w = xcalloc(1, sizeof(*w));
	struct policy policy;
	__u32 *words = NULL, zero = 0, step;
	size_t n = 0;
	int rc = dataplane_array(dp, MAP_subnets, sizeof(*words), &words, &n);

	if (!rc && n == SUBNETS && bpf_map_lookup_elem(map_fd(dp, MAP_policy), &zero, &policy))
		rc = -errno;
	if (rc || n != SUBNETS)
		goto cleanup;
	*w = (struct words){ .overlay = { .addr = policy.overlay, .family = FAMILY_IPV6,
					  .len = policy.overlay_len }, .word = words, .to = to };
	if (n_shapes)
		qsort(shapes, n_shapes, sizeof(*shapes), shorter_first);
	for (size_t i = n_shapes; i--;)
		if (shapes[i].len > 48 && shapes[i].len <= 64 &&
		    prefix_within(&shapes[i], &w->overlay))
			add_shape(w, &shapes[i]);
	for (__u32 i = 0; i < SUBNETS; i += step) {
		bool left = words[i] & ROUTE_PEER_MASK && !w->said[i];

		step = left ? widest_prefix(w, i) : 1;
		if (left)
			add_words(w, i, 64 - __builtin_ctz(step));
	}
cleanup:
	free(words);
	free(w);
	return rc;
}

int dataplane_routes(const struct dataplane *dp, struct prefix *shapes, size_t n_shapes,
		     struct relay_route **ret, size_t *ret_n)
{
	struct table_entry *entries = NULL;
	struct routes r = { 0 };
	size_t n = 0;
	int rc = read_longest(dp, &r) ?: dataplane_table(dp, &entries, &n) ?:
		 add_subnets(dp, shapes, n_shapes, &r);

	for (size_t i = 0; i < n; i++)
		if ((entries[i].key.word & 0xff) == KEY_ROUTE)
			add_route(&r, &entries[i].key.addr, 64, entries[i].route.word);
	free(entries);
	if (rc) {
		free(r.list);
		return rc;
	}
	sort_routes(&r);
	drop_duplicates(&r);
	*ret = r.list;
	*ret_n = r.n;
	return 0;
}

/* ======== writing ======== */

/* ---- peers ---- */

/* Clears the counters of ids that are freed or get another peer. */
static int forget_counters(const struct dataplane *dp, const bool *ids, size_t n)
{
	struct dataplane_reason *reasons = NULL;
	size_t n_reasons = 0;
	int rc = 0;

	dataplane_reasons(dp, &reasons, &n_reasons);
	for (__u32 id = 0; id < n && !rc; id++)
		if (ids[id])
			rc = dataplane_clear(dp, MAP_peer_totals, total_index(id, 0, 0), 4);
	for (size_t i = 0; i < n_reasons && !rc; i++) {
		__u32 id = reasons[i].key.id & ~PEER_ID;

		if (reasons[i].key.id & PEER_ID && id < n && ids[id])
			bpf_map_delete_elem(map_fd(dp, MAP_reasons), &reasons[i].key);
	}
	free(reasons);
	return rc;
}

static int write_peer(const struct dataplane *dp, __u32 id, const struct relay_peer *new,
		      const struct relay_peer *old)
{
	int rc = 0;

	if (memcmp(&new->name, &old->name, sizeof(new->name)))
		rc = bpf_map_update_elem(map_fd(dp, MAP_peer_names), &id, &new->name, BPF_ANY);
	if (!rc && memcmp(&new->peer, &old->peer, sizeof(new->peer)))
		rc = bpf_map_update_elem(map_fd(dp, MAP_peers), &id, &new->peer, BPF_ANY);
	return rc;
}

/* going false: writes the peers of the plan. going true: removes all others, and sets *ret_stay to
 * whether there were none. */
static int sync_peers(const struct dataplane *dp, const struct plan_relay *r, bool going,
		      bool *ret_stay, int *changes)
{
	bool *forget, some = false;
	bool known = r->n_running && !dp->map_is_new[MAP_peers] && !dp->map_is_new[MAP_peer_names];
	struct relay_peer *read = NULL, none = { 0 };
	const struct relay_peer *old = r->running;
	size_t n = r->n_running;
	int rc = known && !going ? 0 : dataplane_peers(dp, &read, &n);

	old = read ?: old;
	forget = xcalloc(n + 1, sizeof(*forget));
	*ret_stay = !rc;
	for (size_t id = 1; id < n && !rc; id++) {
		const struct relay_peer *new = id < r->n_peers ? &r->peers[id] : &none;
		bool goes = !*new->name.name;

		if (!memcmp(new, &old[id], sizeof(*new)))
			continue;
		*ret_stay &= !goes;
		if (goes != going)
			continue;
		forget[id] = *old[id].name.name && strcmp(old[id].name.name, new->name.name);
		some |= forget[id];
		++*changes;
		rc = write_peer(dp, id, new, &old[id]);
	}
	if (!rc && some)
		rc = forget_counters(dp, forget, n);
	free(forget);
	free(read);
	return rc;
}

/* ---- the relay's own addresses ---- */

static const struct own *own_of(const struct plan_relay *r, __u32 place)
{
	static const struct own none;

	for (size_t i = 0; i < r->n_own; i++)
		if (r->own[i].ifindex % LINKS == place)
			return &r->own[i];
	return &none;
}

static int sync_own(const struct dataplane *dp, const struct plan_relay *r, int *changes)
{
	struct own *old;
	size_t n;
	int rc = dataplane_array(dp, MAP_own, sizeof(*old), &old, &n);

	for (__u32 i = 0; !rc && i < n; i++)
		rc = dataplane_write(dp, MAP_own, i, own_of(r, i), &old[i], sizeof(*old), changes);
	if (!rc)
		free(old);
	return rc;
}

/* ---- policy ---- */

/* Writes the policy word by word. Its secrets are made once, before anything is hashed with them,
 * and then stay. */
static int sync_policy(const struct dataplane *dp, const struct plan_relay *r, int *changes)
{
	struct policy *now = map_memory(map_fd(dp, MAP_policy), sizeof(*now),
					PROT_READ | PROT_WRITE);
	__u64 factors[2];
	int rc = 0;

	if (!now)
		return -errno;
	if (!now->factors[0]) {
		if (getrandom(now->keys, sizeof(now->keys), 0) != sizeof(now->keys) ||
		    getrandom(factors, sizeof(factors), 0) != sizeof(factors))
			rc = -EIO;
		for (int i = 0; i < 2 && !rc; i++)
			now->factors[i] = factors[i] | 1;
	}
	/* ports, tcp_ports and icmpv6 */
	for (size_t i = 0; i < offsetof(struct policy, reject) / sizeof(__u64) && !rc; i++) {
		__u64 *word = (__u64 *)now + i, wanted = ((const __u64 *)&r->policy)[i];

		*changes += *word != wanted;
		__atomic_store_n(word, wanted, __ATOMIC_RELAXED);
	}
	*changes += !rc && now->reject != r->policy.reject;
	if (!rc) {
		__atomic_store_n(&now->reject, r->policy.reject, __ATOMIC_RELAXED);
		now->overlay = r->policy.overlay;
		now->overlay_len = r->policy.overlay_len;
	}
	munmap(now, sizeof(*now));
	return rc;
}

/* ---- subnets ---- */

/* Layout of an element of the map in memory, whose size the kernel rounds up to 8 bytes. */
struct subnet {
	__u32 word, pad;
};

static int sync_subnets(const struct dataplane *dp, const struct plan_relay *r, int *changes)
{
	__u32 n = dataplane_entries(dp, MAP_subnets);
	struct subnet *now;

	if (n != SUBNETS)
		return 0;
	now = map_memory(map_fd(dp, MAP_subnets), n * sizeof(*now), PROT_READ | PROT_WRITE);
	if (!now)
		return -errno;
	for (__u32 i = 0; i < n; i++) {
		__u32 wanted = r->subnets ? r->subnets[i] : 0;

		if (now[i].word == wanted)
			continue;
		__atomic_store_n(&now[i].word, wanted, __ATOMIC_RELAXED);
		++*changes;
	}
	munmap(now, n * sizeof(*now));
	return 0;
}

/* ---- the longest match ---- */

struct batch {
	const struct dataplane *dp;
	bool removes;
	struct route_key keys[MAP_STEP];
	__u32 words[MAP_STEP], n;
};

static int flush_batch(struct batch *b)
{
	int map = map_fd(b->dp, MAP_routes);
	__u32 n = b->n;

	b->n = 0;
	if (n && (b->removes ? bpf_map_delete_batch(map, b->keys, &n, NULL) :
			       bpf_map_update_batch(map, b->keys, b->words, &n, NULL)))
		return -errno;
	return 0;
}

static int batch_route(struct batch *b, const struct relay_route *r)
{
	b->keys[b->n] = (struct route_key){ .prefixlen = 32 + r->prefix.len,
					    .addr = r->prefix.addr };
	b->words[b->n] = r->word;
	return ++b->n == MAP_STEP ? flush_batch(b) : 0;
}

/* Compares two lists of routes, sorted alike. Writes the routes that are new or have another word,
 * and collects in r->gone those to remove. */
static int write_longest(const struct dataplane *dp, struct plan_relay *r, int *changes)
{
	const struct relay_route *wanted = r->longest;
	struct batch *b = xcalloc(1, sizeof(*b));
	struct routes now = { 0 };
	size_t i = 0, j = 0;
	int rc = read_longest(dp, &now);

	b->dp = dp;
	sort_routes(&now);
	sort_routes(&(struct routes){ r->longest, r->n_longest });
	while (!rc && (i < r->n_longest || j < now.n)) {
		int order = i == r->n_longest ? 1 : j == now.n ? -1 :
			    by_prefix(&wanted[i], &now.list[j]);

		if (order > 0) {
			*append(r->gone, r->n_gone) = now.list[j];
		} else if (order < 0 || wanted[i].word != now.list[j].word) {
			++*changes;
			rc = batch_route(b, &wanted[i]);
		}
		i += order <= 0;
		j += order >= 0;
	}
	rc = rc ?: flush_batch(b);
	if (rc)
		log_error("cannot write the routes: %s", strerror(-rc));
	free(b);
	free(now.list);
	return rc;
}

static int remove_gone(const struct dataplane *dp, const struct plan_relay *r, int *changes)
{
	struct batch *b = xcalloc(1, sizeof(*b));
	int rc = 0;

	b->dp = dp;
	b->removes = true;
	for (size_t i = 0; i < r->n_gone && !rc; i++)
		rc = batch_route(b, &r->gone[i]);
	rc = rc ?: flush_batch(b);
	*changes += r->n_gone;
	free(b);
	return rc;
}

/* ---- all ---- */

static bool was_on(const struct dataplane *dp)
{
	return dataplane_entries(dp, MAP_peers) > 1;
}

int dataplane_relay_write(const struct dataplane *dp, struct plan *p, int *changes)
{
	struct plan_relay *r = &p->relay;
	int rc = 0;

	if (r->on)
		rc = sync_policy(dp, r, changes) ?:
		     sync_peers(dp, r, false, &r->peers_stay, changes) ?: sync_own(dp, r, changes);
	return rc || (!r->on && !was_on(dp)) ? rc : write_longest(dp, r, changes);
}

int dataplane_relay_clean(const struct dataplane *dp, const struct plan *p, int *changes)
{
	const struct plan_relay *r = &p->relay;
	bool stay = r->peers_stay;
	int rc;

	if (!r->on && !was_on(dp))
		return 0;
	rc = sync_subnets(dp, r, changes) ?: remove_gone(dp, r, changes);
	if (!rc && !stay)
		rc = sync_peers(dp, r, true, &stay, changes);
	return rc || r->on ? rc : sync_own(dp, r, changes);
}

/* ---- the blind relay ---- */

int dataplane_blind_write(const struct dataplane *dp, const struct plan *p, int *changes)
{
	struct peer_name own = { 0 }, name;
	struct blind_state state;
	__u32 zero = 0;
	int rc;

	if (!p->blind.on || bpf_map_lookup_elem(map_fd(dp, MAP_blind_state), &zero, &state) ||
	    bpf_map_lookup_elem(map_fd(dp, MAP_blind_names), &zero, &name))
		return 0;
	strcpy(own.device, p->blind.device);
	rc = dataplane_write(dp, MAP_blind_names, 0, &own, &name, sizeof(own), changes);
	if (rc || !memcmp(state.only, p->blind.only, sizeof(state.only)))
		return rc;
	++*changes;
	memcpy(state.only, p->blind.only, sizeof(state.only));
	return bpf_map_update_elem(map_fd(dp, MAP_blind_state), &zero, &state, BPF_ANY);
}
