/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * dataplane: makes the relay's maps match a plan, and writes only what differs. It writes what an
 * address leads to before what leads there: peers, then the longest prefixes, then the table and
 * subnets. It removes in the opposite order.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include "dataplane/dataplane.h"
#include "lib/grow.h"
#include "lib/log.h"

#define BATCH 4096

/* ---- peers ---- */

/* Clears the counters of ids that go or get another peer. */
static int forget_counters(const struct dataplane *dp, const bool *ids, size_t n)
{
	struct total *zero = calloc(libbpf_num_possible_cpus(), sizeof(*zero));
	struct dataplane_reason *reasons = NULL;
	size_t n_reasons = 0;
	int rc = zero ? dataplane_reasons(dp, &reasons, &n_reasons) : -ENOMEM;

	for (__u32 i = 0; i < 4 * n && !rc; i++)
		if (ids[i / 4])
			rc = bpf_map_update_elem(map_fd(dp, MAP_peer_totals), &i, zero, BPF_ANY);
	for (size_t i = 0; i < n_reasons && !rc; i++) {
		__u32 id = reasons[i].key.id & ~PEER_ID;

		if (reasons[i].key.id & PEER_ID && id < n && ids[id])
			bpf_map_delete_elem(map_fd(dp, MAP_reasons), &reasons[i].key);
	}
	free(reasons);
	free(zero);
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

/* going: handles the peers that the plan does not have; else those that it has. *ret_stay: there
 * are none of the former. */
static int sync_peers(const struct dataplane *dp, const struct plan_relay *r, bool going,
		      bool *ret_stay, int *changes)
{
	bool *forget = NULL, some = false;
	bool known = r->n_running && !dp->map_is_new[MAP_peers] && !dp->map_is_new[MAP_peer_names];
	struct relay_peer *read = NULL, none = { 0 };
	const struct relay_peer *old = r->running;
	size_t n = r->n_running;
	int rc = known && !going ? 0 : dataplane_peers(dp, &read, &n);

	old = read ?: old;
	forget = rc ? NULL : calloc(n + 1, sizeof(*forget));
	rc = rc ?: forget ? 0 : -ENOMEM;
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

	for (__u32 i = 0; !rc && i < n; i++) {
		const struct own *new = own_of(r, i);

		if (!memcmp(new, &old[i], sizeof(*new)))
			continue;
		++*changes;
		rc = bpf_map_update_elem(map_fd(dp, MAP_own), &i, new, BPF_ANY);
	}
	if (!rc)
		free(old);
	return rc;
}

/* ---- policy ---- */

/* Writes word by word. Makes the secrets once, before anything is tagged by them. */
static int sync_policy(const struct dataplane *dp, const struct plan_relay *r, int *changes)
{
	struct policy *now = mmap(NULL, sizeof(*now), PROT_READ | PROT_WRITE, MAP_SHARED,
				  map_fd(dp, MAP_policy), 0);
	__u64 factors[2];
	int rc = 0;

	if (now == MAP_FAILED)
		return -errno;
	if (!now->factors[0]) {
		if (getrandom(now->keys, sizeof(now->keys), 0) != sizeof(now->keys) ||
		    getrandom(factors, sizeof(factors), 0) != sizeof(factors))
			rc = -EIO;
		for (int i = 0; i < 2 && !rc; i++)
			now->factors[i] = factors[i] | 1;
	}
	for (int i = 0; i < 1024 + 4 && !rc; i++) {
		__u64 *word = i < 1024 ? &now->ports[i] : &now->icmpv6[i - 1024];
		__u64 wanted = i < 1024 ? r->policy.ports[i] : r->policy.icmpv6[i - 1024];

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

/* An element of an array in memory: the kernel rounds values up to 8 bytes. */
struct subnet {
	__u32 word, pad;
};

static int sync_subnets(const struct dataplane *dp, const struct plan_relay *r, int *changes)
{
	__u32 n = dataplane_entries(dp, MAP_subnets);
	struct subnet *now;

	if (n != SUBNETS)
		return 0;
	now = mmap(NULL, n * sizeof(*now), PROT_READ | PROT_WRITE, MAP_SHARED,
		   map_fd(dp, MAP_subnets), 0);
	if (now == MAP_FAILED)
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

static int by_prefix(const void *a, const void *b)
{
	const struct relay_route *x = a, *y = b;

	return prefix_compare(&x->prefix, &y->prefix);
}

static struct relay_route *sorted_copy(const struct relay_route *list, size_t n)
{
	struct relay_route *copy = calloc(n + 1, sizeof(*copy));

	if (copy && n)
		qsort(memcpy(copy, list, n * sizeof(*copy)), n, sizeof(*copy), by_prefix);
	return copy;
}

struct batch {
	const struct dataplane *dp;
	bool removes;
	struct route_key keys[BATCH];
	__u32 words[BATCH], n;
};

static int flush_batch(struct batch *b)
{
	__u32 n = b->n;

	b->n = 0;
	if (!n)
		return 0;
	if (b->removes
		    ? bpf_map_delete_batch(map_fd(b->dp, MAP_routes), b->keys, &n, NULL)
		    : bpf_map_update_batch(map_fd(b->dp, MAP_routes), b->keys, b->words, &n, NULL))
		return -errno;
	return 0;
}

static int batch_route(struct batch *b, const struct relay_route *r)
{
	b->keys[b->n] = (struct route_key){ .prefixlen = 32 + r->prefix.len,
					    .addr = r->prefix.addr };
	b->words[b->n] = r->word;
	return ++b->n == BATCH ? flush_batch(b) : 0;
}

static int add_gone(struct plan_relay *r, const struct relay_route *route)
{
	struct relay_route *place = append(r->gone, r->n_gone);

	if (place)
		*place = *route;
	return place ? 0 : -ENOMEM;
}

/* Both lists are sorted. Writes what only wanted has, or has with another word; collects in r->gone
 * what only now has. */
static int write_longest(const struct dataplane *dp, struct plan_relay *r, int *changes)
{
	struct relay_route *wanted = sorted_copy(r->longest, r->n_longest), *now = NULL;
	struct batch *b = calloc(1, sizeof(*b));
	size_t n = 0, i = 0, j = 0;
	int rc = wanted && b ? dataplane_longest(dp, &now, &n) : -ENOMEM;

	if (b)
		b->dp = dp;
	while (!rc && (i < r->n_longest || j < n)) {
		int order = i == r->n_longest ? 1 : j == n ? -1 : by_prefix(&wanted[i], &now[j]);

		if (order > 0) {
			rc = add_gone(r, &now[j]);
		} else if (order < 0 || wanted[i].word != now[j].word) {
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
	free(now);
	free(wanted);
	return rc;
}

static int remove_gone(const struct dataplane *dp, const struct plan_relay *r, int *changes)
{
	struct batch *b = calloc(1, sizeof(*b));
	int rc = b ? 0 : -ENOMEM;

	if (b)
		*b = (struct batch){ .dp = dp, .removes = true };
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

/* Writes how many sites there is room for, and the device of this host's own WireGuard. */
int dataplane_blind_write(const struct dataplane *dp, const struct plan *p, int *changes)
{
	struct peer_name own = { 0 }, name;
	struct blind_state state;
	__u32 zero = 0, room = dataplane_entries(dp, MAP_blind_sites);
	int rc = 0;

	if (!p->blind.on || bpf_map_lookup_elem(map_fd(dp, MAP_blind_state), &zero, &state) ||
	    bpf_map_lookup_elem(map_fd(dp, MAP_blind_names), &zero, &name))
		return 0;
	strcpy(own.device, p->blind.device);
	if (memcmp(&own, &name, sizeof(own))) {
		++*changes;
		rc = bpf_map_update_elem(map_fd(dp, MAP_blind_names), &zero, &own, BPF_ANY);
	}
	if (rc || state.room == room)
		return rc;
	++*changes;
	state.room = room;
	return bpf_map_update_elem(map_fd(dp, MAP_blind_state), &zero, &state, BPF_ANY);
}
