/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The pipeline: how a packet is handled, from the device that received it to its verdict, once for
 * all planes (xdp, tc, host). Read the file from the end: run() calls way(), and way() calls the
 * steps. Each step is a function:
 *
 *   express      express/                     XDP: repeats the decision for the last such packet
 *   enter        parse.h, plane/vlan.h        which link? the addresses and ports
 *   blind_find   blind/blind.h                the blind relay: for which site?
 *   find         service.h                    which service? an original or a reply?
 *   guard        guard/guard.h                a valid WireGuard message? for which backend?
 *   flow_way     flow/flow.h                  which flow? its new addresses and ports
 *   resolve      link.h, fib.h                is the source allowed? next hop, MTU
 *   ready        fragment/fragment.h, plane/  room for the new headers, rates (rate.h)
 *   flow_commit  flow/make.h                  creates the flow, or counts the packet for it
 *   leave        rewrite.h, flow/nat64.h      rewrites and sends
 *   verdict      verdict.h                    counts, and returns the plane's action
 *
 * Packets between sites go from enter() to site_way() (relay/relay.h). The steps share struct
 * pkt_state (state.h). No step before ready() changes the packet.
 */
#pragma once

#include "blind/blind.h"
#include "fib.h"
#include "flow/flow.h"
#include "fragment/too_big.h"
#include "guard/guard.h"
#include "icmp/rewrite.h"
#include "icmp/send.h"
#include "link.h"
#include "parse.h"
#include "rate.h"
#include "relay/relay.h"
#include "rewrite.h"
#include "service.h"
#include "verdict.h"

/* ---- enter(): from the first byte of the frame to the ports ---- */

/* Finds the packet's logical link: the VLAN of a tagged frame, or the bridge above the device. Sets
 * s->ifindex, s->l3, p->link and *proto. Returns NOT_OURS if the frame is for another host. */
INLINE int pull_link(struct pkt *p, __be16 *proto)
{
	p->link = link_find(p->s->ifindex);
	if (!p->link || plane(p, load))
		return NOT_OURS;
	p->s->l3 = 0;
	if (unlikely(p->s->bare)) {
		*proto = plane(p, protocol);
		return 0;
	}
	if (pull_eth(p, proto))
		return NOT_OURS;
	if (p->plane == PLANE_TC)
		return plane(p, for_us) ? 0 : NOT_OURS;
	p->s->generic = !!(p->link->flags & LINK_GENERIC);
	if (with_vlans && is_vlan(*proto) && pull_vlan(p, proto))
		return NOT_OURS;
	if (with_bridges && p->link->above && !is_vlan(*proto)) {
		p->s->ifindex = p->link->above;
		p->link = link_find(p->s->ifindex);
		if (!p->link)
			return NOT_OURS;
	}
	return plane(p, for_us) ? 0 : NOT_OURS;
}

/* Implements enter(). Returns the result of parse(), or IS_OVERLAY for a packet to a site. */
INLINE int enter_step(struct pkt *p)
{
	__be16 proto = 0;
	int rc;

	if (pull_link(p, &proto))
		return NOT_OURS;
	p->s->link_flags = p->link->flags;
	p->s->link_role = p->link->role;
	p->s->sources = p->link->sources;
	if (with_relay && proto == bpf_htons(ETH_P_IPV6) && p->link->flags & LINK_PEERS) {
		rc = pull_ipv6_header(p);
		if (rc < 0)
			return rc;
		p->s->next = rc;
		p->s->outside = !is_overlay(p->s->dst) || route_own(p);
		if (!p->s->outside || route_outside(p))
			return IS_OVERLAY;
		/* A backend may be in a site, so its replies may come from the overlay. */
		rc = is_overlay(p->s->src) ? route_source(p) : 0;
		if (rc)
			return rc;
	}
	return parse(p, proto);
}
INLINE_STEP(enter)

/* ---- find(): which service, flow or site the packet belongs to ---- */

INLINE int find_step(struct pkt *p)
{
	int rc;

	p->s->has_service = false;		/* blind_find() may have set it */
	rc = classify(p);
	if (with_flows && !with_guards && !rc)
		flow_set_key(p);
	return rc;
}
INLINE_STEP(find)

/* Finds where the packet goes: first by the blind relay, then by the services. */
INLINE int find_way(struct pkt *p)
{
	int rc = with_blind ? blind_find(p) : NOT_OURS;

	if (rc == NOT_OURS) {
		rc = find(p);
		if (with_guards && !rc) {
			/* guard() may choose another backend, so it must run before flow_way(). */
			guard(p);
			flow_set_key(p);
		}
	}
	p->s->now = bpf_jiffies64();
	if (with_flows && !rc && p->s->has_key)
		rc = flow_way(p);
	if (!rc && unlikely(p->s->is_quote))
		quote_use_sender(p);
	return rc;
}

/* ---- resolve(): everything that can fail, before the first byte is written ---- */

/* Finds the next hop, and sets *ret to it and s->out to its slot in nexthops. For a reply, the
 * route to the client comes first: if the destination is no client, such as our own address, the
 * packet must not change the remembered route to the backend. */
INLINE int next_hop(struct pkt *p, struct control *c, __u64 now, struct nexthop **ret)
{
	__u32 slot = p->s->service.slot, reply_slot;
	struct nexthop *backend = bpf_map_lookup_elem(&nexthops, &slot), *client;
	bool is_uniform;
	int rc, rc_client;

	p->s->out = slot;
	*ret = backend;
	if (unlikely(!backend))
		return -PASS_no_route;
	if (p->s->direction == DIRECTION_ORIGINAL)
		return fib_backend(p, backend, slot, c, now);
	reply_slot = uniform_slot(p, c, now);
	is_uniform = reply_slot;
	reply_slot = is_uniform ? reply_slot : slot + 1;
	p->s->out = reply_slot;
	client = bpf_map_lookup_elem(&nexthops, &reply_slot);
	*ret = client;
	if (unlikely(!client))
		return -PASS_no_route;
	rc_client = fib_client(p, client, reply_slot, c, now, is_uniform);
	if (unlikely(!has_route(rc_client)))
		return rc_client;
	rc = fib_reply_link(p, backend, slot, c, now);
	if (unlikely(rc))
		return rc;
	return (with_flows && p->s->has_way) || client->egress & LINK_REPLIES ? rc_client :
									       -PASS_no_listener;
}

/* Implements resolve(): checks source, lists, guard, next hop, hop limit and MTU, in this order. */
INLINE int resolve_step(struct pkt *p)
{
	bool original = p->s->direction == DIRECTION_ORIGINAL;
	__u64 now = p->s->now;
	struct control *c = control_find();
	struct nexthop *hop = NULL;
	int rc;

	p->s->out = NO_SLOT;
	if (unlikely(p->s->pending_reason))
		return -(int)p->s->pending_reason;
	if (unlikely(is_martian(p->s->family == FAMILY_IPV4, original ? p->s->src : p->s->dst)))
		return -PASS_martian;
	rc = original ? link_source(p) : 0;
	if (with_lists && !rc && original && p->s->service.flags & SERVICE_LISTS)
		rc = service_admits(p);
	if (with_guards && !rc && !p->s->is_blind)
		rc = p->s->guard.says;
	if (unlikely(rc))
		return rc;
	rc = next_hop(p, c, now, &hop);
	if (unlikely(!has_route(rc) || !hop))
		return rc;
	if (unlikely(p->s->ttl <= 1))
		return -PASS_hop_limit;
	if (unlikely(p->s->segment_len > hop->fib.mtu_result) && !can_fragment(p))
		return -PASS_too_big;
	if (unlikely(rc))
		return fib_through_neighbour(p, rc);
	rc = plane(p, can_send, hop);
	return rc ?: fib_probe(p, hop, now);
}
INLINE_STEP(resolve)

/* ---- ready(): make room for the new headers, and record what the packet tells ---- */

INLINE int ready_step(struct pkt *p)
{
	__u32 out = p->s->out;
	struct nexthop *hop = bpf_map_lookup_elem(&nexthops, &out);
	int rc;

	if (unlikely(!hop))
		return -DROP_send_failed;
	rc = (with_flows ? flow_admits(p) : 0) ?: rate_admits(p) ?: fragment_remember(p);
	rc = rc ?: plane(p, make_room, hop);
	if (rc)
		return rc;
	if (with_blind && p->s->is_blind)
		return blind_commit(p);
	return with_guards ? guard_remember(p) : 0;
}
INLINE_STEP(ready)

/* ---- leave(): rewrite and send ---- */

INLINE int leave_step(struct pkt *p)
{
	__u32 out = p->s->out;
	struct nexthop *hop = bpf_map_lookup_elem(&nexthops, &out);
	bool has_way = with_flows && p->s->has_way;
	int rc, rc_fragments = 0;

	if (unlikely(!hop))
		return -DROP_send_failed;
	rc = has_way ? flow_rewrite(p) : unlikely(p->s->is_quote) ? quote_rewrite(p) : rewrite(p);
	if (rc)
		return rc;
	if (with_choices && !has_way && !p->s->is_quote && p->s->service.flags & SERVICE_CHOICE)
		service_remember(p);
	if (p->plane == PLANE_TC && p->s->fragment_size) {
		rc_fragments = fragment_packet(p);
		if (rc_fragments && rc_fragments != -DROP_fragments_unresolved)
			return rc_fragments;
	}
	return plane(p, send, hop, &p->s->action) ?: rc_fragments;
}
INLINE_STEP(leave)

/* Runs all steps for a packet of a service. If a translated packet is too long, or its hop limit is
 * used up, tc sends the ICMP error. */
INLINE int service_way(struct pkt *p)
{
	int rc = find_way(p) ?: resolve(p) ?: ready(p);

	rc = rc ?: (with_flows ? flow_commit(p) : 0) ?: rate_pay(p) ?: leave(p);
	if (p->plane == PLANE_TC && (rc == -PASS_too_big || rc == -PASS_hop_limit)) {
		p->s->result = rc;
		rc = send_owed_error(p);
	}
	return rc;
}

/* Returns 0 if s->action sends the packet, otherwise a negative reason or NOT_OURS. */
INLINE int way(struct pkt *p)
{
	int rc = enter(p);

	if (with_relay && rc == IS_OVERLAY)
		return site_way(p);
	rc = rc ?: service_way(p);
	return with_relay && rc == NOT_OURS && p->s->family ? route_stray(p) : rc;
}

/* Runs one packet through a plane. ifindex: the device that received it. bare: it has no Ethernet
 * header. pass and drop: the plane's actions. If a clone that we send is mirrored to an ingress,
 * run() is entered again on the same CPU. This second run() would overwrite the state, so it passes
 * the clone up. */
INLINE int run(void *ctx, enum plane plane, __u32 ifindex, bool bare, int pass, int drop)
{
	struct pkt p = { .ctx = ctx, .plane = plane, .s = state_find() };
	int verb;

	if (unlikely(!p.s || p.s->busy))
		return pass;
	__builtin_memset(p.s, 0, offsetof(struct pkt_state, busy));
	p.s->busy = true;
	p.s->bare = bare;
	p.s->ifindex = ifindex;
	p.s->segments = 1;
	p.s->action = drop;
	verb = verdict(&p, way(&p), pass, drop);
	p.s->busy = false;
	p.s->express.learn = false;
	return verb;
}
