/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The end of a flow: by its timer, by user space while it has none, or by a packet to a backend that is gone. Part of flow.h.
 */
#ifndef WGXDP_FLOW_END_H
#define WGXDP_FLOW_END_H

#ifndef WGXDP_HOST
#include <linux/errno.h>
#endif
#include "maps.h"

#define CLOCK_MONOTONIC_ID 1
#define NANOSECONDS 1000000000ULL

INLINE struct flow_total *flow_total(__u32 id)
{
	return bpf_map_lookup_elem(&flow_totals, &id);
}

/* Of the original's entry: both directions end when neither was seen for the service's time-out */
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

/* The timer of the original's entry: one that user space wrote has none, and in a burst of newcomers the kernel may have no memory
 * for one in this moment. What is sent a second later asks again, and the daemon for what nobody sends anything for. 0 or negative */
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

/* For who sends nothing any more: a timer, or, while the kernel has no memory for one, what it would do now. 0: it has one, or is gone */
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

/* Of the flow whose entry of either direction is under s->key. That of the reply remembers that there is nothing left to do. */
INLINE void flow_arm_either(struct flow_scratch *s)
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

/* A flow to a backend that its service does not have any more */
INLINE void flow_end(struct flow_scratch *s)
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

#endif
