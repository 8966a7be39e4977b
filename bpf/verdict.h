/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The step verdict(), the only exit of the pipeline: turns the result of the steps into counters, a
 * sampled event and the plane's action. XDP counts only packets that it sends or drops; tc counts
 * those that XDP passes up.
 *
 * Runs after leave() (pipeline.h), site_send() (relay/relay.h), or a step that ended the way.
 * Reads:  the result; s->service.id or s->peers, direction, segments, len, link_flags, action.
 * Writes: the maps totals, peer_totals, reasons, events; for a packet that is not ours: notify.h.
 */
#pragma once

#include "express/learn.h"
#include "notify.h"
#include "plane/plane.h"
#include "step.h"

/* Expands to a bit mask of all reasons that drop a packet. */
#define REASON(kind, name, text) | (KIND_##kind == KIND_DROP ? 1ULL << kind##_##name : 0)
#define DROPS (0ULL
static const __u64 reason_drops = DROPS
#include "reasons.def"
);
#undef REASON
#undef DROPS
_Static_assert(REASON_MAX <= 64, "reasons fit one word");

INLINE bool reason_is_drop(int rc)
{
	return reason_drops >> (-rc & 63) & 1;
}

/* ---- events: samples of dropped packets, written while a monitor runs ---- */

INLINE void event_fill(const struct pkt *p, struct event *e, __u32 id, int rc)
{
	e->src = p->s->src;
	e->dst = p->s->dst;
	e->sport = p->s->sport;
	e->dport = p->s->dport;
	e->reason = -rc;
	e->family = p->s->family;
	e->direction = p->s->direction;
	e->plane = p->plane;
	e->pad[0] = e->pad[1] = e->pad[2] = 0;
	e->id = id;
	e->ifindex = p->s->ifindex;
	e->len = p->s->len;
	e->segments = p->s->segments;
}

/* Writes an event about a drop, at most one per jiffy and CPU; counts the others as skipped. */
INLINE void event_drop(const struct pkt *p, __u32 id, int rc)
{
	__u32 zero = 0;
	const __u64 *watch = bpf_map_lookup_elem(&event_watch, &zero);
	struct budgets *all = bpf_map_lookup_elem(&budgets, &zero);
	struct event_budget *budget;
	__u64 now = bpf_jiffies64();
	struct event *e;

	if (!watch || !all || now >= *watch)
		return;
	budget = &all->event;
	e = budget->last == now ? NULL : bpf_ringbuf_reserve(&events, sizeof(*e), 0);
	if (!e) {
		budget->skipped += p->s->segments;
		return;
	}
	e->skipped = budget->skipped;
	budget->last = now;
	budget->skipped = 0;
	event_fill(p, e, id, rc);
	bpf_ringbuf_submit(e, 0);
}

/* ---- counters ---- */

/* Counts a packet under a reason. id: of a service, or PEER_ID | the id of a peer. */
INLINE void count_reason(const struct pkt *p, __u32 id, int rc)
{
	struct reason_key key = {
		.id = id, .direction = p->s->direction, .plane = p->plane, .reason = -rc,
	};
	__u64 *n = bpf_map_lookup_elem(&reasons, &key), zero = 0;

	if (!n) {
		bpf_map_update_elem(&reasons, &key, &zero, BPF_NOEXIST);
		n = bpf_map_lookup_elem(&reasons, &key);
	}
	if (n)
		*n += p->s->segments;
	if (reason_is_drop(rc))
		event_drop(p, id, rc);
}

INLINE void count_forwarded(const struct pkt *p, struct total *total)
{
	total->forwarded += p->s->segments;
	total->bytes += segments_bytes(p->s);
}

INLINE void count_service(const struct pkt *p, int rc)
{
	__u32 index = total_index(p->s->service.id, p->s->direction, p->plane);
	struct total *total = bpf_map_lookup_elem(&totals, &index);

	if (unlikely(!total))
		return;
	if (likely(!rc)) {
		count_forwarded(p, total);
		return;
	}
	total->refused += p->s->segments;
	count_reason(p, p->s->service.id, rc);
}

/* Counts a packet for the sending peer and, if it was forwarded, for the receiving peer too. */
INLINE void count_peers(const struct pkt *p, int rc)
{
	__u32 rx = total_index((__u32)p->s->peers, PEER_RX, p->plane);
	__u32 tx = total_index(p->s->peers >> 32, PEER_TX, p->plane);
	struct total *total = bpf_map_lookup_elem(&peer_totals, &rx);

	if (!total)
		return;
	if (rc) {
		total->refused += p->s->segments;
		count_reason(p, PEER_ID | (__u32)p->s->peers, rc);
		return;
	}
	count_forwarded(p, total);
	total = bpf_map_lookup_elem(&peer_totals, &tx);
	if (total)
		count_forwarded(p, total);
}

/* Counts the packet under its result, s->result. If XDP sent it, the express path remembers the
 * decision. */
INLINE int count_step(struct pkt *p)
{
	if (with_relay && p->s->overlay)
		count_peers(p, p->s->result);
	else
		count_service(p, p->s->result);
	if (with_express && p->plane == PLANE_XDP && !p->s->result && p->s->express.learn)
		express_learn(p->s);
	return 0;
}
INLINE_STEP(count)

/* Ends the work on a packet: counts it under its result rc, and returns the plane's action, `pass`
 * or `drop`. On tc, the action of a dropped packet may send the ICMP error that replaced it. */
INLINE int verdict(struct pkt *p, int rc, int pass, int drop)
{
	bool ends = !rc || reason_is_drop(rc);

	if (rc == NOT_OURS || unlikely(!(p->s->has_service || (with_relay && p->s->overlay)))) {
		notify_daemon(p);
		return pass;
	}
	p->s->result = rc;
	if (ends || p->plane != PLANE_XDP || !(p->s->link_flags & LINK_TC))
		count(p);
	if (!ends)
		return pass;
	return !rc || p->plane == PLANE_TC ? p->s->action : drop;
}
