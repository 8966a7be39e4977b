/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Reads the blind relay's state from the maps.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
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
	ret->since = site.since;
	ret->challenges = site.challenges;
	ret->waited_for = waiting.since;
	return 0;
}

static void read_pair(const struct dataplane *dp, __u32 at, struct blind_total *cpus, size_t n_cpus,
		      struct blind_view_pair *ret)
{
	if (bpf_map_lookup_elem(map_fd(dp, MAP_blind_totals), &at, cpus))
		return;
	for (size_t i = 0; i < n_cpus; i++) {
		ret->packets += cpus[i].packets;
		ret->bytes += cpus[i].bytes;
	}
}

static void read_sessions(const struct dataplane *dp, struct blind_view *v)
{
	__u32 n = dataplane_entries(dp, MAP_sessions);
	__u64 now = jiffies_now();
	struct blind_bucket bucket;

	for (__u32 i = 0; i < n; i++)
		for (int w = 0; !bpf_map_lookup_elem(map_fd(dp, MAP_sessions), &i, &bucket) &&
		     w < BLIND_WAYS; w++) {
			__u64 key = bucket.way[w].key, value = bucket.way[w].value;
			__u32 user = key >> 32 & (BLIND_SITES_MAX - 1),
			      origin = BLIND_ORIGIN(value);

			if (key && BLIND_UNTIL(value) > now && user < v->n && origin < v->n)
				v->pairs[(size_t)user * v->n +
					 origin].sessions += !!(value & BLIND_CONFIRMED);
		}
}

int blind_view_read(const struct dataplane *dp, struct blind_view *ret)
{
	struct blind_state state = { 0 };
	struct blind_total *cpus;
	size_t n_cpus = libbpf_num_possible_cpus();
	__u32 zero = 0;
	int rc = 0;

	*ret = (struct blind_view){ 0 };
	if (dataplane_entries(dp, MAP_blind_sites) < 2 ||
	    bpf_map_lookup_elem(map_fd(dp, MAP_blind_state), &zero, &state))
		return 0;
	ret->n = state.sites ?: 1;
	ret->refused = state.refused;
	ret->challenges = state.challenges;
	ret->sites = calloc(ret->n, sizeof(*ret->sites));
	ret->pairs = calloc((size_t)ret->n * ret->n, sizeof(*ret->pairs));
	cpus = calloc(n_cpus, sizeof(*cpus));
	if (!ret->sites || !ret->pairs || !cpus)
		rc = -ENOMEM;
	for (__u32 i = 1; i < ret->n && !rc; i++)
		rc = read_site(dp, i, &ret->sites[i]);
	for (__u32 i = 1; i < ret->n && !rc; i++)
		for (__u32 j = 1; j < ret->n && *ret->sites[i].name; j++)
			if (*ret->sites[j].name && i != j)
				read_pair(dp, i * state.room + j, cpus, n_cpus,
					  &ret->pairs[(size_t)i * ret->n + j]);
	if (!rc)
		read_sessions(dp, ret);
	free(cpus);
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
