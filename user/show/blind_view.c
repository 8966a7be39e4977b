/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Reads the blind relay's state from the maps.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "instance/run_counters.h"
#include "show/blind_view.h"
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
	ret->remote = place->remote;
	ret->since = site.since;
	ret->challenges = site.challenges;
	ret->waited_for = waiting.since == BLIND_WRITING ? 0 : waiting.since;
	return 0;
}

#define AT_ONCE 1024			/* entries that one system call reads */

/* Reads the totals of all pairs, many at a time, because there may be a million. room: number of
 * sites that the map has in a row. Returns 0 or -errno. */
static int read_pairs(const struct dataplane *dp, struct blind_view *v, __u32 room)
{
	size_t n_cpus = libbpf_num_possible_cpus();
	struct blind_total *cpus = calloc(AT_ONCE * n_cpus, sizeof(*cpus));
	__u32 keys[AT_ONCE], count = AT_ONCE, next;
	int rc = cpus ? 0 : -ENOMEM;

	for (bool begun = false; !rc && count; begun = true) {
		count = AT_ONCE;
		/* ENOENT comes with the last entries. */
		if (bpf_map_lookup_batch(map_fd(dp, MAP_blind_totals), begun ? &next : NULL, &next,
					 keys, cpus, &count, NULL))
			rc = -errno;
		for (__u32 i = 0; (!rc || rc == -ENOENT) && i < count; i++) {
			__u32 from = keys[i] / room, to = keys[i] % room;
			struct blind_view_pair *pair;

			if (from >= v->n || to >= v->n || from == to || !*v->sites[from].name ||
			    !*v->sites[to].name)
				continue;
			pair = &v->pairs[(size_t)from * v->n + to];
			for (size_t j = i * n_cpus; j < (i + 1) * n_cpus; j++) {
				pair->packets += cpus[j].packets;
				pair->bytes += cpus[j].bytes;
			}
		}
	}
	free(cpus);
	return rc == -ENOENT ? 0 : rc;
}

static int read_sessions(const struct dataplane *dp, struct blind_view *v)
{
	struct blind_bucket *buckets;
	__u64 now = jiffies_now();
	size_t n;
	int rc = dataplane_array(dp, MAP_sessions, sizeof(*buckets), &buckets, &n);

	if (rc)
		return rc;
	for (size_t i = 0; i < n * BLIND_WAYS; i++) {
		__u64 key = buckets[i / BLIND_WAYS].way[i % BLIND_WAYS].key;
		__u64 value = buckets[i / BLIND_WAYS].way[i % BLIND_WAYS].value;
		__u32 user = key >> 32 & (BLIND_SITES_MAX - 1), origin = BLIND_ORIGIN(value);

		if (key && BLIND_UNTIL(value) > now && user < v->n && origin < v->n)
			v->pairs[(size_t)user * v->n + origin].sessions +=
				!!(value & BLIND_CONFIRMED);
	}
	free(buckets);
	return 0;
}

int blind_view_read(const struct dataplane *dp, struct blind_view *ret)
{
	struct blind_state state = { 0 };
	__u32 zero = 0;
	int rc = 0;

	*ret = (struct blind_view){ 0 };
	if (dataplane_entries(dp, MAP_blind_sites) < 2 ||
	    bpf_map_lookup_elem(map_fd(dp, MAP_blind_state), &zero, &state) || !state.room)
		return 0;
	ret->n = state.sites ?: 1;
	ret->refused = state.refused;
	ret->challenges = state.challenges;
	ret->silenced = state.silenced;
	ret->sites = calloc(ret->n, sizeof(*ret->sites));
	ret->pairs = calloc((size_t)ret->n * ret->n, sizeof(*ret->pairs));
	if (!ret->sites || !ret->pairs)
		rc = -ENOMEM;
	for (__u32 i = 1; i < ret->n && !rc; i++)
		rc = read_site(dp, i, &ret->sites[i]);
	rc = rc ?: read_pairs(dp, ret, state.room) ?: read_sessions(dp, ret);
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

/* Returns whether the last message is so old that the connection must have ended: a daemon that was
 * killed has left its file as it was. */
static bool is_old(__u64 heard)
{
	return (__u64)time(NULL) > heard + 2 * PAIR_SILENT_SECONDS;
}

bool pair_view_read(const char *instance, const struct config *c, const struct host *h,
		    struct pair_view *ret)
{
	struct run_counters n;

	if (!c || !*c->blind.device || !c->blind.pair.stream.local.family)
		return false;
	run_counters_read(&n, instance, "pair");
	*ret = (struct pair_view){
		.active = pair_has_address(&c->blind.pair, h),
		.other_active = run_counters_value(&n, PAIR_OTHER_ACTIVE),
		.connected = run_counters_value(&n, PAIR_CONNECTED),
		.heard = run_counters_value(&n, PAIR_HEARD),
		.received = run_counters_value(&n, PAIR_RECEIVED),
	};
	if (is_old(ret->heard))
		ret->connected = 0;
	run_counters_free(&n);
	return true;
}

static __u64 read_counter(const struct run_counters *n, const char *what,
			  const struct relay_config *c)
{
	char name[RELAY_COUNTER_LEN];

	return run_counters_value(n, relay_counter(what, &c->address, name));
}

void other_relay_read(const char *instance, const struct relay_config *c, struct other_relay *ret)
{
	struct run_counters n;

	run_counters_read(&n, instance, "relays");
	*ret = (struct other_relay){
		.connected = read_counter(&n, PAIR_CONNECTED, c),
		.heard = read_counter(&n, PAIR_HEARD, c),
		.received = read_counter(&n, PAIR_RECEIVED, c),
	};
	if (is_old(ret->heard))
		ret->connected = 0;
	run_counters_free(&n);
}

__u32 other_relay_sites(const struct blind_view *v, const struct relay_config *c)
{
	__u32 n = 0;

	for (__u32 i = 1; i < v->n; i++)
		n += v->sites[i].remote && address_equal(&v->sites[i].endpoint, &c->address);
	return n;
}
