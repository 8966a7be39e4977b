/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * dataplane: reads flows from the map, a batch at a time, and ends them for commands.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "dataplane/dataplane.h"

#define BATCH 4096 /* entries: far more than the fullest bucket of the kernel's hash has */

int dataplane_flow_entries(const struct dataplane *dp, flow_each *each, void *data)
{
	struct flow_key *keys = calloc(BATCH, sizeof(*keys));
	struct flow *flows = calloc(BATCH, sizeof(*flows));
	int rc = keys && flows ? 0 : -ENOMEM, last = 0;
	__u32 count, bucket;

	if (map_fd(dp, MAP_flows) < 0)
		/* The running programs know no flows. */
		last = 1;
	/* The kernel goes bucket by bucket and an entry stays in its bucket, so none is met twice,
	 * whatever comes and goes meanwhile. */
	for (bool first = true; !rc && !last; first = false) {
		count = BATCH;
		if (bpf_map_lookup_batch(map_fd(dp, MAP_flows), first ? NULL : &bucket, &bucket,
					 keys, flows, &count, NULL)) {
			rc = errno == ENOENT ? 0 : -errno;
			last = 1;
		}
		for (__u32 i = 0; i < count && !rc; i++)
			rc = each(data, &keys[i], &flows[i]);
	}
	free(keys);
	free(flows);
	return rc;
}

struct originals {
	flow_each *each;
	void *data;
};

static int only_original(void *data, const struct flow_key *key, const struct flow *flow)
{
	const struct originals *o = data;

	return key->direction == DIRECTION_ORIGINAL ? o->each(o->data, key, flow) : 0;
}

int dataplane_flows(const struct dataplane *dp, flow_each *each, void *data)
{
	return dataplane_flow_entries(dp, only_original, &(struct originals){ each, data });
}

bool dataplane_flow_other(const struct dataplane *dp, const struct flow_key *key,
			  const struct flow *flow, struct flow *ret)
{
	struct flow_key reverse = flow_reverse(key, flow), back;
	struct flow other;

	if (bpf_map_lookup_elem(map_fd(dp, MAP_flows), &reverse, &other))
		return false;
	back = flow_reverse(&reverse, &other);
	if (memcmp(&back, key, sizeof(back)))
		return false;
	*ret = other;
	return true;
}

bool dataplane_flow_delete(const struct dataplane *dp, const struct flow_key *key)
{
	struct flow_key reverse;
	struct flow flow, reply;
	__u64 n = 0;
	__u32 id;
	bool whole;

	/* Read it now: since the caller read it, another flow may have taken the key. */
	if (bpf_map_lookup_elem(map_fd(dp, MAP_flows), key, &flow))
		return false;
	whole = dataplane_flow_other(dp, key, &flow, &reply);
	reverse = flow_reverse(key, &flow);
	if (bpf_map_delete_elem(map_fd(dp, MAP_flows), key))
		/* The flow's timer was faster, and counted it. */
		return false;
	if (whole)
		bpf_map_delete_elem(map_fd(dp, MAP_flows), &reverse);
	id = flow.id;
	bpf_map_lookup_elem(map_fd(dp, MAP_flows_deleted), &id, &n);
	n++;
	bpf_map_update_elem(map_fd(dp, MAP_flows_deleted), &id, &n, BPF_ANY);
	return true;
}

bool dataplane_pool(const struct dataplane *dp, __u32 id, struct pool *ret)
{
	return !bpf_map_lookup_elem(map_fd(dp, MAP_pools), &id, ret) && ret->last;
}

int dataplane_flow_numbers(const struct dataplane *dp, __u32 id, struct flow_numbers *ret)
{
	int cpus = libbpf_num_possible_cpus();
	struct flow_total *values = calloc(cpus, sizeof(*values));
	struct flow_numbers n = { 0 };
	__u64 gone;
	int rc = 0;

	if (!values)
		return -ENOMEM;
	if (bpf_map_lookup_elem(map_fd(dp, MAP_flow_totals), &id, values) ||
	    bpf_map_lookup_elem(map_fd(dp, MAP_flows_deleted), &id, &n.deleted))
		rc = -errno;
	for (int i = 0; i < cpus && !rc; i++) {
		n.created += values[i].created;
		n.expired += values[i].expired;
		n.moved += values[i].moved;
	}
	free(values);
	/* The numbers were read one after the other while they changed. */
	gone = n.expired + n.moved + n.deleted;
	n.now = n.created > gone ? n.created - gone : 0;
	if (!rc)
		*ret = n;
	return rc;
}
