/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Samples of what is dropped, while a monitor looks. Part of verdict.h.
 */
#ifndef WGXDP_EVENT_H
#define WGXDP_EVENT_H

#include "plane.h"

INLINE void event_fill(const struct pkt *p, struct event *e, __u32 id, int rc)
{
	e->src = p->src;
	e->dst = p->dst;
	e->sport = p->sport;
	e->dport = p->dport;
	e->reason = -rc;
	e->family = p->family;
	e->direction = p->direction;
	e->plane = p->plane & 1;
	e->pad[0] = e->pad[1] = e->pad[2] = 0;
	e->id = id;
	e->ifindex = p->ifindex;
	e->len = p->len;
	e->segments = p->segments;
}

/* Of a packet that ends here for this reason: one a jiffy and CPU */
INLINE void event_drop(const struct pkt *p, __u32 id, int rc)
{
	__u32 zero = 0;
	const __u64 *watch = bpf_map_lookup_elem(&event_watch, &zero);
	struct event_budget *budget = bpf_map_lookup_elem(&event_budget, &zero);
	__u64 now = bpf_jiffies64();
	struct event *e;

	if (!watch || !budget || now >= *watch)
		return;
	e = budget->last == now ? NULL : bpf_ringbuf_reserve(&events, sizeof(*e), 0);
	if (!e) {
		budget->skipped += p->segments;
		return;
	}
	e->skipped = budget->skipped;
	budget->last = now;
	budget->skipped = 0;
	event_fill(p, e, id, rc);
	bpf_ringbuf_submit(e, 0);
}

#endif
