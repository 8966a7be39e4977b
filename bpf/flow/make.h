/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * flow_commit, the rare part: flows begin and end. A new client becomes an embryo (half-open flow)
 * with a port of ours. It stands under the reply's key, and BPF_NOEXIST decides between CPUs. The
 * backend's answer makes a flow of it: both directions or neither. A flow ends by its timer, by
 * user space while it has none, or by a packet to a backend that the service no longer has.
 *
 * Before: ready (pipeline.h). After: leave.
 * Reads:  s->flow. Writes: s->flow.way; the maps flows, embryos, embryo_limits, flow_totals.
 */
#pragma once

#ifndef WGXDP_HOST
#include <linux/errno.h>
#endif
#include "flow/port.h"

#define CLOCK_MONOTONIC_ID 1
#define NANOSECONDS 1000000000ULL

INLINE struct flow_total *flow_total(__u32 id)
{
	return bpf_map_lookup_elem(&flow_totals, &id);
}

/* ---- the end ---- */

/* The timer of the original's entry: both directions end when neither was seen for the service's
 * time-out */
static int flow_expire(void *map, struct flow_key *key, struct flow *flow)
{
	struct flow_key other = flow_reverse(key, flow);
	const struct flow *reply = bpf_map_lookup_elem(&flows, &other);
	__u32 id = flow->id;
	const struct pool *pool = bpf_map_lookup_elem(&pools, &id);
	__u64 now = bpf_jiffies64(), until = flow->seen;
	struct flow_total *total;

	if (reply && reply->seen > until)
		until = reply->seen;
	until += (__u64)(pool ? pool->timeout : FLOW_TIMEOUT) * tick_rate;
	if (reply && now < until) {
		bpf_timer_start(&flow->timer, (until - now) * (NANOSECONDS / tick_rate), 0);
		return 0;
	}
	bpf_map_delete_elem(&flows, key);
	bpf_map_delete_elem(&flows, &other);
	total = flow_total(id);
	if (total)
		__sync_fetch_and_add(&total->expired, 1);
	return 0;
}

/* Starts the timer of the original's entry. User space writes entries without one, and in a burst
 * of new clients the kernel may have no memory for one. Then the flow's next packet, a second
 * later, tries again, and the daemon does so for a flow without packets. Returns 0 or negative. */
INLINE int flow_arm(const struct flow_key *key)
{
	struct flow *flow = bpf_map_lookup_elem(&flows, key);
	long rc;

	if (!flow || flow->armed)
		return 0;
	rc = bpf_timer_init(&flow->timer, &flows, CLOCK_MONOTONIC_ID);
	if (rc)
		return rc == -EBUSY ? 0 : -1;	/* another CPU has just done it */
	bpf_timer_set_callback(&flow->timer, flow_expire);
	bpf_timer_start(&flow->timer, NANOSECONDS, 0);
	flow->armed = 1;
	return 0;
}

/* Starts the timer of a flow without packets. If the kernel has no memory for one, does now what
 * the timer would do. Returns 0 if the flow has a timer or is gone. */
INLINE int flow_arm_or_end(struct flow_key *key)
{
	struct flow *flow;

	if (!flow_arm(key))
		return 0;
	flow = bpf_map_lookup_elem(&flows, key);
	if (flow)
		flow_expire(&flows, key, flow);
	return bpf_map_lookup_elem(&flows, key) ? -1 : 0;
}

/* s->key is of either direction. The reply's entry remembers that the timer is started. */
INLINE void flow_arm_either(struct flow_work *s)
{
	struct flow *flow;

	if (s->key.direction == DIRECTION_ORIGINAL) {
		flow_arm(&s->key);
		return;
	}
	flow = bpf_map_lookup_elem(&flows, &s->key);
	if (!flow)
		return;
	s->other = flow_reverse(&s->key, flow);
	flow->armed = !flow_arm(&s->other);
}

/* Ends a flow to a backend that its service no longer has */
INLINE void flow_end_moved(struct flow_work *s)
{
	const struct flow *flow = bpf_map_lookup_elem(&flows, &s->key);
	struct flow_total *total;

	if (!flow)
		return;
	total = flow_total(flow->id);	/* the listener may be another service's by now */
	s->other = flow_reverse(&s->key, flow);
	bpf_map_delete_elem(&flows, &s->key);
	bpf_map_delete_elem(&flows, &s->other);
	if (total)
		__sync_fetch_and_add(&total->moved, 1);
}

/* ---- the backend's answer ---- */

/* Returns s->value, prepared for one direction */
INLINE struct flow *flow_prepare_value(struct flow_work *s)
{
	struct flow *flow = (void *)s->value;

	__builtin_memset(s->value, 0, sizeof(s->value));
	flow->id = s->id;
	flow->backend = s->backend;
	flow->ifindex = s->ifindex;
	flow->seen = flow->since = s->now;
	return flow;
}

/* Inserts s->key, the reply's, and s->other, the original's. Returns 0, or a reason; then neither
 * is there. */
INLINE int flow_insert(struct flow_work *s)
{
	struct flow *flow = flow_prepare_value(s);
	struct flow_total *total = flow_total(s->id);
	int rc;

	flow->src = s->way.src;
	flow->dst = s->way.dst;
	flow->sport = s->way.sport;
	flow->dport = s->way.dport;
	flow->delta = s->way.delta;
	flow->family = s->way.family;
	rc = bpf_map_update_elem(&flows, &s->key, flow, BPF_NOEXIST);
	if (rc)		/* -EEXIST: another CPU already has the next answer */
		return rc == -EEXIST ? 0 : -DROP_flows_full;
	flow = flow_prepare_value(s);
	flow->src = s->key.dst;
	flow->dst = s->key.src;
	flow->sport = s->key.dport;
	flow->dport = s->key.sport;
	flow->delta = ~s->way.delta;
	flow->family = s->key.family;
	rc = bpf_map_update_elem(&flows, &s->other, flow, BPF_NOEXIST);
	if (!rc) {
		flow_arm(&s->other);
		if (total)
			__sync_fetch_and_add(&total->created, 1);
		return 0;
	}
	/* -EEXIST: the client has another port by now, and this answers an earlier packet */
	bpf_map_delete_elem(&flows, &s->key);
	return rc == -EEXIST ? 0 : -DROP_flows_full;
}

INLINE int flow_make_answered(struct flow_work *s)
{
	struct addr source;
	__u64 *used;
	int rc;

	s->other.src = s->way.dst;
	s->other.dst = s->way.src;
	s->other.sport = s->way.dport;
	s->other.dport = s->way.sport;
	s->other.family = s->way.family;
	s->other.direction = DIRECTION_ORIGINAL;
	s->other.backend = s->backend;
	flow_set_delta(s);
	rc = flow_insert(s);
	if (rc)
		return rc;
	bpf_map_delete_elem(&embryos, &s->key);
	used = embryo_used(&s->other, &source);
	if (used)
		*used -= EMBRYO_EACH;
	return 0;
}

/* Does what way.is_new says; for a known flow it starts the timer. Returns 0 or a reason. */
INLINE int flow_make_step(struct pkt_state *state)
{
	struct flow_work *s = &state->flow;

	s->now = bpf_jiffies64();
	if (s->way.is_new == FLOW_ANSWERED)
		return flow_make_answered(s);
	if (s->way.is_new == FLOW_KNOWN) {
		flow_arm_either(s);
		return 0;
	}
	if (s->way.is_new == FLOW_MOVES)
		flow_end_moved(s);
	return flow_find_port(s);
}
STATE_STEP(with_flows, flow_make)
