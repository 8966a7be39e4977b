/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * dataplane: reads the relay's maps.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "dataplane/dataplane.h"
#include "lib/grow.h"

int dataplane_peers(const struct dataplane *dp, struct relay_peer **ret, size_t *ret_n)
{
	struct peer_name *names = NULL;
	struct relay_peer *list = NULL;
	struct peer *peers = NULL;
	size_t n_names = 0, n = 0;
	int rc = dataplane_array(dp, MAP_peer_names, sizeof(*names), &names, &n_names) ?:
		 dataplane_array(dp, MAP_peers, sizeof(*peers), &peers, &n);

	n = n < n_names ? n : n_names;
	list = rc ? NULL : calloc(n + 1, sizeof(*list));
	rc = rc ?: list ? 0 : -ENOMEM;
	for (size_t i = 0; i < n && !rc; i++)
		list[i] = (struct relay_peer){ names[i], peers[i] };
	free(names);
	free(peers);
	if (rc)
		return rc;
	*ret = list;
	*ret_n = n;
	return 0;
}

/* Reads in steps of about a megabyte: there is a value for each possible CPU. */
int dataplane_peer_totals(const struct dataplane *dp, size_t n_peers, struct total **ret)
{
	size_t cpus = libbpf_num_possible_cpus(), step = 1 + 32768 / cpus;
	size_t n = total_index(n_peers, 0, 0), done = 0;
	struct total *values = calloc(step * cpus, sizeof(*values)),
		     *list = calloc(n + 1, sizeof(*list));
	__u32 *keys = calloc(step, sizeof(*keys)), at, count;
	int rc = values && list && keys ? 0 : -ENOMEM;

	for (bool more = true; more && done < n && !rc; done += count) {
		count = n - done < step ? n - done : step;
		more = !bpf_map_lookup_batch(map_fd(dp, MAP_peer_totals), done ? &at : NULL, &at,
					     keys, values, &count, NULL);
		if (!more && errno != ENOENT)
			rc = -errno;
		for (size_t i = 0; i < count * cpus && !rc; i++) {
			list[done + i / cpus].received += values[i].received;
			list[done + i / cpus].forwarded += values[i].forwarded;
			list[done + i / cpus].bytes += values[i].bytes;
		}
	}
	free(keys);
	free(values);
	if (rc) {
		free(list);
		return rc;
	}
	*ret = list;
	return 0;
}

int dataplane_policy(const struct dataplane *dp, struct policy *ret)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(map_fd(dp, MAP_policy), &zero, ret) ? -errno : 0;
}

static int by_prefix(const void *a, const void *b)
{
	const struct relay_route *x = a, *y = b;

	return prefix_compare(&x->prefix, &y->prefix);
}

static int add_route(struct relay_route **list, size_t *n, const struct addr *addr, __u8 len,
		     __u32 word)
{
	struct relay_route *r = append(*list, *n);

	if (r)
		*r = (struct relay_route){
			{ .addr = *addr, .family = FAMILY_IPV6, .len = len }, word };
	return r ? 0 : -ENOMEM;
}

/* Reads in large steps. Nothing writes meanwhile: writers hold the instance's lock. */
int dataplane_longest(const struct dataplane *dp, struct relay_route **ret, size_t *ret_n)
{
	enum { STEP = 4096 };
	struct route_key *keys = calloc(STEP, sizeof(*keys)), at;
	__u32 *words = calloc(STEP, sizeof(*words)), count;
	struct relay_route *list = NULL;
	size_t n = 0;
	bool more = dataplane_entries(dp, MAP_routes);	/* an older instance has no such map */
	int rc = keys && words ? 0 : -ENOMEM;

	for (bool first = true; more && !rc; first = false) {
		count = STEP;
		more = !bpf_map_lookup_batch(map_fd(dp, MAP_routes), first ? NULL : &at, &at, keys,
					     words, &count, NULL);
		if (!more && errno != ENOENT)
			rc = -errno;
		for (__u32 i = 0; i < count && !rc; i++)
			rc = add_route(&list, &n, &keys[i].addr, keys[i].prefixlen - 32, words[i]);
	}
	free(keys);
	free(words);
	if (rc) {
		free(list);
		return rc;
	}
	if (n)
		qsort(list, n, sizeof(*list), by_prefix);
	*ret = list;
	*ret_n = n;
	return 0;
}

/* ---- subnets, in prefixes ---- */

static int shorter_first(const void *a, const void *b)
{
	const struct prefix *x = a, *y = b;

	return x->len - y->len;
}

struct words {
	struct prefix overlay;
	const __u32 *word;		/* SUBNETS of them */
	bool said[SUBNETS];		/* is within a prefix that the list already has */
	struct relay_route **list;
	size_t *n;
};

static int add_words(struct words *w, __u32 first, __u8 len)
{
	struct addr addr = w->overlay.addr;

	addr.b[6] = first >> 8;
	addr.b[7] = first;
	return add_route(w->list, w->n, &addr, len, w->word[first] & ROUTE_PEER_MASK);
}

/* Adds a configured prefix as such if all its subnets are one peer's, except those of longer
 * prefixes, which were added before. */
static int add_shape(struct words *w, const struct prefix *p)
{
	__u32 first = p->addr.b[6] << 8 | p->addr.b[7], n = 1U << (64 - p->len), at = n, mine = 0;

	for (__u32 i = 0; i < n; i++) {
		if (w->said[first + i])
			continue;
		if (at < n && (w->word[first + i] ^ w->word[first + at]) & ROUTE_PEER_MASK)
			return 0;
		at = at < n ? at : i;
		mine++;
	}
	if (!mine || !(w->word[first + at] & ROUTE_PEER_MASK))
		return 0;
	memset(&w->said[first], true, n);
	at += first;
	return add_route(w->list, w->n, &p->addr, p->len, w->word[at] & ROUTE_PEER_MASK);
}

/* The number of subnets of the largest prefix that begins here and is one peer's. */
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
		   struct relay_route **list, size_t *n)
{
	struct words *w = calloc(1, sizeof(*w));
	struct policy policy;
	__u32 *words = NULL, step;
	size_t n_words = 0;
	int rc = w ? dataplane_array(dp, MAP_subnets, sizeof(*words), &words, &n_words) : -ENOMEM;

	if (!rc && n_words == SUBNETS)
		rc = dataplane_policy(dp, &policy);
	if (!rc && n_words == SUBNETS) {
		w->overlay = (struct prefix){ .addr = policy.overlay, .family = FAMILY_IPV6,
					      .len = policy.overlay_len };
		w->word = words;
		w->list = list;
		w->n = n;
		if (n_shapes)
			qsort(shapes, n_shapes, sizeof(*shapes), shorter_first);
		for (size_t i = n_shapes; i-- && !rc;)
			if (shapes[i].len > 48 && shapes[i].len <= 64 &&
			    prefix_within(&shapes[i], &w->overlay))
				rc = add_shape(w, &shapes[i]);
		for (__u32 i = 0; i < SUBNETS && !rc; i += step) {
			bool left = words[i] & ROUTE_PEER_MASK && !w->said[i];

			step = left ? widest_prefix(w, i) : 1;
			rc = left ? add_words(w, i, 64 - __builtin_ctz(step)) : 0;
		}
	}
	free(words);
	free(w);
	return rc;
}

/* A /64 with longer prefixes within is in the trie as well: keep it once. A prefix of this host is
 * no peer's. */
static void drop_duplicates(struct relay_route *list, size_t *n)
{
	size_t kept = 0;

	for (size_t i = 0; i < *n; i++) {
		list[i].word &= ROUTE_PEER_MASK;
		if (list[i].word && (!kept || by_prefix(&list[kept - 1], &list[i])))
			list[kept++] = list[i];
	}
	*n = kept;
}

int dataplane_routes(const struct dataplane *dp, struct prefix *shapes, size_t n_shapes,
		     struct relay_route **ret, size_t *ret_n)
{
	struct table_entry *entries = NULL;
	struct relay_route *list = NULL;
	size_t n = 0, n_entries = 0;
	int rc = dataplane_longest(dp, &list, &n) ?: dataplane_table(dp, &entries, &n_entries) ?:
		 add_subnets(dp, shapes, n_shapes, &list, &n);

	for (size_t i = 0; i < n_entries && !rc; i++)
		if ((entries[i].key.word & 0xff) == KEY_ROUTE)
			rc = add_route(&list, &n, &entries[i].key.addr, 64, entries[i].route.word);
	free(entries);
	if (rc) {
		free(list);
		return rc;
	}
	if (n)
		qsort(list, n, sizeof(*list), by_prefix);
	drop_duplicates(list, &n);
	*ret = list;
	*ret_n = n;
	return 0;
}
