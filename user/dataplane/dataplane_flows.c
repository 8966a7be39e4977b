/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * dataplane: flows: sizes their maps, makes pools match a plan, reads flows, ends them for
 * commands, and does what no packet does: arms flows that have no timer and ends halves of flows.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "dataplane/dataplane.h"
#include "dataplane/dataplane_programs.h"
#include "lib/grow.h"
#include "lib/jiffies.h"
#include "wgxdp.skel.h"

#define PIN_ARM "progs/wgxdp_flow_arm"
#define YOUNG_SECONDS 10
/* Sweeps between searches for halves. A search looks up the other direction of each flow, and only
 * a writer killed between its two writes leaves a half. */
#define HALVES_EACH 10

void dataplane_size_map(const struct dataplane *dp, struct bpf_object *obj, enum dataplane_map m,
			__u32 wanted)
{
	__u32 have = dataplane_entries(dp, m);

	bpf_map__set_max_entries(bpf_object__find_map_by_name(obj, dataplane_map_names[m]),
				 have > wanted ? have : wanted);
}

/* A flow has an entry for each direction. Without flows each map has one entry. */
void dataplane_size_flows(const struct dataplane *dp, struct bpf_object *obj, const struct plan *p,
			  __u32 services)
{
	bool on = p->n_flows;

	dataplane_size_map(dp, obj, MAP_flows, on ? 2 * p->n_flows : 1);
	dataplane_size_map(dp, obj, MAP_embryos, on ? EMBRYOS : 1);
	dataplane_size_map(dp, obj, MAP_embryo_limits, on ? EMBRYOS : 1);
	dataplane_size_map(dp, obj, MAP_pools, on ? services : 1);
	dataplane_size_map(dp, obj, MAP_flow_totals, on ? services : 1);
	dataplane_size_map(dp, obj, MAP_flows_deleted, on ? services : 1);
}

/* ---- reading and ending flows ---- */

struct flow_walk {
	flow_each *each;
	void *data;
	bool replies;			/* passes on replies' entries, too */
};

static int each_flow(void *data, const void *keys, const void *values, __u32 n)
{
	const struct flow_walk *w = data;
	const struct flow_key *key = keys;
	const struct flow *flow = values;
	int rc = 0;

	for (__u32 i = 0; i < n && !rc; i++)
		if (w->replies || key[i].direction == DIRECTION_ORIGINAL)
			rc = w->each(w->data, &key[i], &flow[i]);
	return rc;
}

static int walk_flows(const struct dataplane *dp, flow_each *each, void *data, bool replies)
{
	struct flow_walk w = { each, data, replies };

	return dataplane_batches(map_fd(dp, MAP_flows), sizeof(struct flow_key),
				 sizeof(struct flow), MAP_STEP, each_flow, &w);
}

int dataplane_flow_entries(const struct dataplane *dp, flow_each *each, void *data)
{
	return walk_flows(dp, each, data, true);
}

int dataplane_flows(const struct dataplane *dp, flow_each *each, void *data)
{
	return walk_flows(dp, each, data, false);
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
	struct flow_total t;
	__u64 deleted, gone;
	int rc = dataplane_sum(map_fd(dp, MAP_flow_totals), &id, sizeof(t) / 8, (__u64 *)&t) ?:
		 bpf_map_lookup_elem(map_fd(dp, MAP_flows_deleted), &id, &deleted);

	if (rc)
		return rc;
	/* The numbers were read one after the other while they changed. */
	gone = t.expired + t.moved + deleted;
	*ret = (struct flow_numbers){ t.created > gone ? t.created - gone : 0, t.created, t.expired,
				      t.moved, deleted };
	return 0;
}

/* ---- pools ---- */

/* Whether the pool has this address and port. */
static bool pool_has(const struct pool *pool, __u8 family, const struct addr *a, __be16 port)
{
	const struct addr *own = family == FAMILY_IPV4 ? pool->own4 : pool->own6;
	__u32 n = family == FAMILY_IPV4 ? pool->n4 : pool->n6;

	if (ntohs(port) < pool->first || ntohs(port) > pool->last)
		return false;
	for (__u32 i = 0; i < n; i++)
		if (!memcmp(&own[i], a, sizeof(*a)))
			return true;
	return false;
}

/* Flows of a service whose address or port its pool does not have any more. */
struct lost {
	__u32 id;
	const struct pool *pool;
	struct flow_key *keys;
	size_t n;
};

static int find_lost(void *data, const struct flow_key *key, const struct flow *flow)
{
	struct lost *l = data;
	struct flow_key *place;

	if (flow->id != l->id || pool_has(l->pool, flow->family, &flow->src, flow->sport))
		return 0;
	place = append(l->keys, l->n);
	if (!place)
		return -ENOMEM;
	*place = *key;
	return 0;
}

/* Finds all of them before it ends any: entries must not go while the map is walked. */
static int forget_flows(const struct dataplane *dp, __u32 id, const struct pool *pool)
{
	struct lost l = { .id = id, .pool = pool };
	int rc = dataplane_flows(dp, find_lost, &l);

	for (size_t i = 0; i < l.n && !rc; i++)
		dataplane_flow_delete(dp, &l.keys[i]);
	free(l.keys);
	return rc;
}

int dataplane_pools_write(const struct dataplane *dp, const struct plan *p, int *changes)
{
	static const struct pool none;		/* of a service that is gone */
	__u32 n = dataplane_entries(dp, MAP_pools);
	int rc = 0;

	for (__u32 id = 0; id < n && !rc; id++) {
		const struct pool *pool = id < p->n_pools ? &p->pools[id] : &none;
		struct pool now = { 0 };

		rc = bpf_map_lookup_elem(map_fd(dp, MAP_pools), &id, &now) ? -errno : 0;
		if (rc || !memcmp(&now, pool, sizeof(now)))
			continue;
		++*changes;
		rc = bpf_map_update_elem(map_fd(dp, MAP_pools), &id, pool, BPF_ANY) ? -errno : 0;
		if (!rc && now.last)
			rc = forget_flows(dp, id, pool);
	}
	return rc;
}

/* ---- flows that no packet ends ---- */

struct sweep {
	const struct dataplane *dp;
	/* Jiffies: in a flow made after this, the other direction may be about to come. */
	__u64 young;
	bool halves;			/* this sweep looks for halves */
	struct flow_key *keys;
	size_t n;
};

/* The original's entry has the timer for both directions; a reply without an original is a half. */
static int find_untimed(void *data, const struct flow_key *key, const struct flow *flow)
{
	struct sweep *s = data;
	bool original = key->direction == DIRECTION_ORIGINAL;
	struct flow_key *place;
	struct flow other;

	if (original ? flow->armed : !s->halves || flow->since >= s->young ||
				     dataplane_flow_other(s->dp, key, flow, &other))
		return 0;
	place = append(s->keys, s->n);
	if (!place)
		return -ENOMEM;
	*place = *key;
	return 0;
}

static bool arm_flow(int program, const struct flow_key *key)
{
	unsigned char frame[ETH_HLEN + sizeof(*key)] = { 0 };
	LIBBPF_OPTS(bpf_test_run_opts, run, .data_in = frame, .data_size_in = sizeof(frame),
		    .repeat = 1);

	memcpy(frame + ETH_HLEN, key, sizeof(*key));
	return !bpf_prog_test_run_opts(program, &run) && !run.retval;
}

int dataplane_sweep_flows(const struct dataplane *dp)
{
	int program = pin_get(dp->instance, PIN_ARM), rc, n = 0;
	static unsigned int sweeps;
	struct sweep s = { .dp = dp,
			   .young = jiffies_now() - YOUNG_SECONDS * jiffies_a_second(),
			   .halves = !(sweeps++ % HALVES_EACH) };

	if (program < 0)
		return 0;			/* the running programs know no flows */
	rc = dataplane_flow_entries(dp, find_untimed, &s);
	for (size_t i = 0; i < s.n && !rc; i++)
		if (s.keys[i].direction == DIRECTION_ORIGINAL)
			n += !arm_flow(program, &s.keys[i]);
		else
			bpf_map_delete_elem(map_fd(dp, MAP_flows), &s.keys[i]);
	free(s.keys);
	close(program);
	return rc ?: n;
}

void dataplane_pin_arm(struct dataplane *dp, const struct plan *p, const char *suffix)
{
	if (p->n_flows)
		pin_set(bpf_program__fd(dp->skeleton->progs.wgxdp_flow_arm), dp->instance, suffix,
			PIN_ARM);
	else
		pin_remove(dp->instance, PIN_ARM);
}
