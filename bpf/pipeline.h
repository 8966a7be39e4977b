/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The way of a packet, written once for all planes (docs/design.md): parse, ours?, classify, resolve, rewrite, send. Each step
 * answers 0, a negative reason, or NOT_OURS; verdict() alone counts and turns the answer into an action.
 */
#ifndef WGXDP_PIPELINE_H
#define WGXDP_PIPELINE_H

#include "fib.h"
#include "icmp_send.h"
#include "link.h"
#include "parse.h"
#include "rewrite.h"
#include "service.h"
#include "verdict.h"

/* The first in the list of those that parse held */
INLINE int held_reason(const struct pkt *p)
{
#define REASON(kind, name, text) if (p->held >> kind##_##name & 1) return -kind##_##name;
#include "reasons.def"
#undef REASON
	return NOT_OURS;
}

/* The next hop, for replies that of the client, once it is clear that they come from where the backend is */
INLINE int next_hop(struct pkt *p, const struct control *c, __u64 now, struct nexthop **ret)
{
	__u32 slot = p->service->slot;
	struct nexthop *nexthop = bpf_map_lookup_elem(&nexthops, &slot);
	int rc;

	if (!nexthop)
		return -PASS_no_route;
	rc = fib_backend(p, nexthop, c, now);
	if (p->direction == DIRECTION_REPLY && (!rc || rc == -PASS_no_neighbour)) {
		if (nexthop->fib.ifindex != p->ifindex)
			return -PASS_wrong_link;
		slot++;
		nexthop = bpf_map_lookup_elem(&nexthops, &slot);
		if (!nexthop)
			return -PASS_no_route;
		rc = fib_client(p, nexthop, c, now);
		if ((!rc || rc == -PASS_no_neighbour) && !(nexthop->egress & LINK_LISTENS))
			return -PASS_no_listener;
	}
	*ret = nexthop;
	return rc;
}

/* Everything that can fail, before the first byte is written */
INLINE int resolve(struct pkt *p, struct nexthop **ret)
{
	bool original = p->direction == DIRECTION_ORIGINAL;
	__u64 now = bpf_jiffies64();
	__u32 zero = 0;
	const struct control *c = bpf_map_lookup_elem(&control, &zero);
	int rc;

	if (p->held || !c)
		return held_reason(p);
	if (original ? is_martian(p, p->src) : is_martian(p, p->dst))
		return -PASS_martian;
	rc = original ? link_source(p) : 0;
	if (rc)
		return rc;
	rc = next_hop(p, c, now, ret);
	if (rc && rc != -PASS_no_neighbour)
		return rc;
	if (p->ttl <= 1)
		return -PASS_hop_limit;
	if (p->segment_len > (*ret)->fib.mtu_result)
		return -PASS_too_big;
	if (rc) {
		p->through_neighbour = true;
		return p->plane == PLANE_TC ? 0 : rc;
	}
	rc = plane(p, can_send, *ret);
	return rc ?: fib_probe(p, *ret, now);
}

INLINE int pipeline(struct pkt *p, int *ret_action)
{
	struct nexthop *nexthop = NULL;
	__be16 proto;
	int rc;

	p->link = link_find(p->ifindex);
	if (!p->link || plane(p, load) || pull_eth(p, &proto) || !plane(p, for_us))
		return NOT_OURS;
	rc = parse(p, proto) ?: classify(p) ?: quote_sender(p) ?: resolve(p, &nexthop) ?:
	     (p->quote ? quote_rewrite(p) : rewrite(p));
	if (rc)
		return error_owed(p, rc, nexthop, ret_action);
	if (with_choices && !p->quote && p->direction == DIRECTION_ORIGINAL && p->service->flags & SERVICE_CHOICE)
		service_remember(p);
	return plane(p, send, nexthop, ret_action);
}

#endif
