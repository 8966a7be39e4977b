/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The way of a packet, written once for all planes (docs/design.md): parse, ours?, classify, resolve, rewrite, send. Each step
 * answers 0, a negative reason, or NOT_OURS; verdict() alone counts and turns the answer into an action.
 */
#ifndef WGXDP_PIPELINE_H
#define WGXDP_PIPELINE_H

#include "blind_send.h"
#include "cut.h"
#include "fib.h"
#include "flow_send.h"
#include "guard.h"
#include "icmp_send.h"
#include "link.h"
#include "parse.h"
#include "rewrite.h"
#include "service.h"
#include "uniform.h"
#include "verdict.h"
#include "vlan.h"

/* The only reasons that parse may hold: others are no code */
#define CAN_BE_HELD (1ULL << PASS_fragment | 1ULL << PASS_malformed | 1ULL << PASS_martian | 1ULL << DROP_tiny_fragment | \
		     1ULL << DROP_overlapping_fragment)

/* The first in the list of those that parse held */
INLINE int held_reason(const struct pkt *p)
{
#define REASON(kind, name, text) if (CAN_BE_HELD >> kind##_##name & p->held >> kind##_##name & 1) return -kind##_##name;
#include "reasons.def"
#undef REASON
	return NOT_OURS;
}

/* The next hop; for replies that of the client, if they come from where the backend is. The client is asked for first: a
 * destination that is no client's, such as an address of ours, must not say how the backend is reached. */
INLINE int next_hop(struct pkt *p, struct control *c, __u64 now, struct nexthop **ret)
{
	__u32 slot = p->service->slot, reply_slot = 0;
	bool uniform = false;
	struct nexthop *backend = bpf_map_lookup_elem(&nexthops, &slot);
	int rc, rc_client = 0;

	*ret = backend;
	if (backend && p->direction == DIRECTION_REPLY) {
		reply_slot = uniform_slot(p, c, now);
		uniform = reply_slot;
		if (!uniform)
			reply_slot = slot + 1;
		*ret = bpf_map_lookup_elem(&nexthops, &reply_slot);
	}
	if (!backend || !*ret)
		return -PASS_no_route;
	if (p->direction == DIRECTION_REPLY) {
		rc_client = fib_client(p, *ret, c, now, uniform);
		if (!is_answer(rc_client))
			return rc_client;
	}
	rc = fib_backend(p, backend, c, now);
	if (p->direction == DIRECTION_ORIGINAL || !is_answer(rc))
		return rc;
	if (backend->fib.ifindex != p->ifindex)
		return -PASS_wrong_link;
	return (p->flows && p->way) || (*ret)->egress & LINK_LISTENS ? rc_client : -PASS_no_listener;
}

/* Everything that can fail, before the first byte is written */
INLINE int resolve(struct pkt *p, bool guards, struct nexthop **ret)
{
	bool original = p->direction == DIRECTION_ORIGINAL;
	__u64 now = bpf_jiffies64();
	__u32 zero = 0;
	struct control *c = bpf_map_lookup_elem(&control, &zero);
	int rc;

	if (p->held || !c)
		return held_reason(p);
	if (original ? is_martian(p, p->src) : is_martian(p, p->dst))
		return -PASS_martian;
	rc = original ? link_source(p) : 0;
	if (with_lists && !rc && original && p->service->flags & SERVICE_LISTS)
		rc = service_admits(p);
	if (guards && !rc)
		rc = guard_says();
	if (rc)
		return rc;
	rc = next_hop(p, c, now, ret);
	if (rc && rc != -PASS_no_neighbour)
		return rc;
	if (p->ttl <= 1)
		return -PASS_hop_limit;
	if (p->segment_len > (*ret)->fib.mtu_result && !cut_fits(p, *ret))
		return -PASS_too_big;
	if (rc) {
		p->through_neighbour = true;
		return p->plane == PLANE_TC ? 0 : rc;
	}
	rc = plane(p, can_send, *ret);
	return rc ?: fib_probe(p, *ret, now);
}

/* The logical link: of a tagged frame that of its VLAN, of an untagged one on a bridge's port the bridge; and the IP header */
INLINE int pull_link(struct pkt *p, __be16 *proto)
{
	p->link = link_find(p->ifindex);
	if (!p->link || plane(p, load))
		return NOT_OURS;
	if (p->bare)
		return 0;
	if (pull_eth(p, proto))
		return NOT_OURS;
	if (p->plane == PLANE_TC)
		return plane(p, for_us) ? 0 : NOT_OURS;
	p->generic = p->link->flags & LINK_GENERIC;
	if (with_bridges && p->link->above && !is_vlan(*proto)) {
		p->ifindex = p->link->above;
		p->link = link_find(p->ifindex);
		if (!p->link)
			return NOT_OURS;
	}
	if (with_vlans && is_vlan(*proto) && pull_vlan(p, proto))
		return NOT_OURS;
	if (with_vlans)
		p->l3 = blur(p, p->l3) & 0x1f;
	return plane(p, for_us) ? 0 : NOT_OURS;
}

INLINE int service_find(struct pkt *p, bool guards)
{
	int rc = classify(p);

	if (guards && !rc)
		guard_find(p);
	return p->flows && !rc ? flow_find(p) : rc;
}

/* Of what came by a link of ours, from its IP header on */
INLINE int service_pipeline(struct pkt *p, __be16 proto, bool guards, int *ret_action)
{
	struct nexthop *nexthop = NULL;
	int rc, found = NOT_OURS;

	rc = parse(p, proto);
	if (!rc && p->blind)
		found = blind_find(p);
	if (!rc && found == NOT_OURS)
		rc = service_find(p, guards);
	else
		rc = rc ?: found;
	rc = rc ?: quote_sender(p) ?: resolve(p, guards, &nexthop) ?:
	     (p->flows ? flow_admits(p) : 0) ?: fragment_remember(p) ?: plane(p, make_room, nexthop) ?:
	     (guards ? guard_commit(p) : 0) ?: (p->blind && !found ? blind_commit(p) : 0) ?: (p->flows ? flow_commit(p) : 0) ?:
	     (p->flows && p->way ? flow_rewrite(p) : p->quote ? quote_rewrite(p) : rewrite(p));
	if (rc)
		return error_owed(p, rc, nexthop, ret_action);
	if (with_choices && !(p->flows && p->way) && !p->quote && p->direction == DIRECTION_ORIGINAL && p->service->flags & SERVICE_CHOICE)
		service_remember(p);
	rc = cut_pieces(p, nexthop);
	if (rc && rc != -DROP_pieces_unresolved)
		return rc;
	return plane(p, send, nexthop, ret_action) ?: rc;
}

/* proto: what the stack says of a packet without Ethernet header; guards: a constant, the guard's steps are in it */
INLINE int pipeline(struct pkt *p, __be16 proto, bool guards, int *ret_action)
{
	return pull_link(p, &proto) ?: service_pipeline(p, proto, guards, ret_action);
}

#endif
