/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * dataplane: what goes on in a map that is made anew because more is to have room in it.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <stdlib.h>
#include "dataplane/dataplane.h"

/* Elements of an array map, of one value or one a CPU, for which there is room in any case */
static void copy_array(int from, int to, __u32 n, size_t value_size)
{
	void *value = malloc(value_size * libbpf_num_possible_cpus());

	for (__u32 i = 0; value && i < n; i++)
		if (!bpf_map_lookup_elem(from, &i, value))
			bpf_map_update_elem(to, &i, value, BPF_ANY);
	free(value);
}

/* Arrays of services, peers and backends: counters, whose they are, and what they ask for */
static bool is_carried_over(enum dataplane_map m)
{
	return m == MAP_totals || m == MAP_peer_totals || m == MAP_names || m == MAP_peer_names || m == MAP_flow_totals ||
	       m == MAP_flows_deleted || m == MAP_pools || m == MAP_guards || m == MAP_guard_keys || m == MAP_public_keys ||
	       m == MAP_guard_state || m == MAP_health || m == MAP_backend_names;
}

/* One entry at a time: it happens when the configuration asks for more of them */
static void copy_flows(int from, int to)
{
	struct flow_key key, *last = NULL;
	struct flow flow;

	for (; !bpf_map_get_next_key(from, last, &key); last = &key) {
		if (bpf_map_lookup_elem(from, &key, &flow))
			continue;
		flow.armed = 0;			/* timers are not copied */
		bpf_map_update_elem(to, &key, &flow, BPF_NOEXIST);
	}
}

void dataplane_carry_over(const struct dataplane *dp, enum dataplane_map m, int to, size_t value_size)
{
	if (is_carried_over(m))
		copy_array(dp->maps[m], to, dataplane_entries(dp, m), value_size);
	if (m == MAP_flows)
		copy_flows(dp->maps[m], to);
}
