/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Flows made, which few packets do, and ended (flow_end.h): one global function, verified once, that needs no packet. A newcomer becomes an
 * embryo, which has a port of ours: it is under the reply's key, which decides between CPUs (BPF_NOEXIST). The backend's answer
 * makes a flow of it: both directions or neither. Part of flow.h.
 */
#ifndef WGXDP_FLOW_MAKE_H
#define WGXDP_FLOW_MAKE_H

#include "flow_end.h"
#include "flow_port.h"

/* ---- the backend's answer ---- */

/* The value of one direction, at s->value */
INLINE struct flow *flow_value(struct flow_scratch *s)
{
	struct flow *flow = (void *)s->value;

	__builtin_memset(s->value, 0, sizeof(s->value));
	flow->id = s->id;
	flow->backend = s->backend;
	flow->ifindex = s->ifindex;
	flow->seen = flow->since = s->now;
	return flow;
}

/* Under s->key, the reply's, and s->other, the original's: 0; or a reason, and neither is there */
INLINE int flow_insert(struct flow_scratch *s)
{
	struct flow *flow = flow_value(s);
	struct flow_total *total = flow_total(s->id);
	int rc;

	flow->src = s->way.src;
	flow->dst = s->way.dst;
	flow->sport = s->way.sport;
	flow->dport = s->way.dport;
	flow->delta = s->way.delta;
	flow->family = s->way.family;
	rc = bpf_map_update_elem(&flows, &s->key, flow, BPF_NOEXIST);
	if (rc)
		return rc == -EEXIST ? 0 : -DROP_flows_full;	/* another CPU has the next answer already */
	flow = flow_value(s);
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
	bpf_map_delete_elem(&flows, &s->key);
	return rc == -EEXIST ? 0 : -DROP_flows_full;	/* he has another port meanwhile: this was the answer to an earlier one */
}

INLINE int flow_answered(struct flow_scratch *s)
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
	flow_delta(s);
	rc = flow_insert(s);
	if (rc)
		return rc;
	bpf_map_delete_elem(&embryos, &s->key);
	used = embryo_used(&s->other, &source);
	if (used)
		*used -= EMBRYO_EACH;
	return 0;
}

/* What s->way.is_new says; 0 or a reason */
__attribute__((noinline)) int flow_make(void)
{
	struct flow_scratch *s = flow_scratch_find();

	if (!s)
		return -DROP_flows_full;
	s->now = bpf_jiffies64();
	if (s->way.is_new == FLOW_ANSWERED)
		return flow_answered(s);
	if (s->way.is_new == FLOW_KNOWN) {
		flow_arm_either(s);
		return 0;
	}
	if (s->way.is_new == FLOW_MOVES)
		flow_end(s);
	return flow_begin(s);
}

#endif
