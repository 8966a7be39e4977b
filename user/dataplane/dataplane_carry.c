/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * dataplane: copies what stays to a map that is made anew because it must have more room.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <stdlib.h>
#include "dataplane/dataplane.h"

/* Copies an array map's elements, one value or one a CPU. The new map always has room for them. */
static void copy_array(int from, int to, __u32 n, size_t value_size)
{
	void *value = malloc(value_size * libbpf_num_possible_cpus());

	for (__u32 i = 0; value && i < n; i++)
		if (!bpf_map_lookup_elem(from, &i, value))
			bpf_map_update_elem(to, &i, value, BPF_ANY);
	free(value);
}

/* Arrays of services, peers and backends: counters, names, and settings. */
static bool is_carried_over(enum dataplane_map m)
{
	return m == MAP_totals || m == MAP_peer_totals || m == MAP_names || m == MAP_peer_names ||
	       m == MAP_flow_totals || m == MAP_flows_deleted || m == MAP_pools ||
	       m == MAP_guards || m == MAP_guard_keys || m == MAP_public_keys ||
	       m == MAP_guard_state || m == MAP_health || m == MAP_backend_names;
}

/* Copies one entry at a time: this only happens when the configuration asks for more flows. */
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

void dataplane_carry_over(const struct dataplane *dp, enum dataplane_map m, int to,
			  size_t value_size)
{
	if (is_carried_over(m))
		copy_array(map_fd(dp, m), to, dataplane_entries(dp, m), value_size);
	if (m == MAP_flows)
		copy_flows(map_fd(dp, m), to);
}
