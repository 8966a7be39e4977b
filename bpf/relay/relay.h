/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Packets between sites, from enter() to verdict(): site_way() calls these steps. Packets between
 * sites are counted for peers.
 *
 *   site_find      route.h     which site? is the source allowed on this link?
 *   site_admit     policy.h    does the policy admit the packet?
 *   site_resolve   this file   next hop, hop limit, MTU
 *   site_rewrite   this file   hop limit, headers
 *   site_send      this file   sends; or site_send_error() sends an ICMP error instead
 *
 * Runs after enter() (pipeline.h), and before verdict() (verdict.h).
 * Reads:  s->src, dst, next, len, ttl; the maps peers, own, nexthops, control, policy.
 * Writes: s->result, peers, overlay, out, mtu; from site_rewrite on the packet, the maps allowed
 *         and rates.
 */
#pragma once

#include "fib.h"
#include "icmp/send.h"
#include "rate.h"
#include "relay/policy.h"

/* Stores the result of route_find() in s->result. Returns NOT_OURS or PASS_source if no further
 * step is needed. */
INLINE int site_find_step(struct pkt *p)
{
	p->s->result = route_find(p);
	return p->s->result == NOT_OURS || p->s->result == -PASS_source ? p->s->result : 0;
}
INLINE_STEP(site_find)

/* Stores the decision of the policy in s->result. */
INLINE int site_admit_step(struct pkt *p)
{
	p->s->result = policy_admits(p) ?: p->s->result;
	return 0;
}
INLINE_STEP(site_admit)

/* Finds the next hop to a peer on a nic. The lookup has the peer's own link as ingress, so its
 * result holds for packets from every link: for the whole site if the next hop is its only gateway,
 * else for this destination. A route over another link is not used: it may be a default route that
 * takes the place of the site's missing route. */
INLINE int site_next_hop(struct pkt *p, struct nexthop *hop, __u64 now)
{
	const struct addr none = { { { 0 } } };
	struct fib_question *q = &p->s->question;
	struct control *c = control_find();
	struct addr via;
	int rc;

	if (fib_fresh(hop, c, now) &&
	    (addr_same(&hop->client, &p->s->dst) || addr_same(&hop->client, &none)))
		return 0;
	q->src = p->s->src;
	q->dst = p->s->dst;
	q->sport = p->s->sport;
	q->dport = p->s->dport;
	q->ifindex = p->peer->ifindex;
	q->slot = p->peer->slot;
	q->family = FAMILY_IPV6;
	rc = fib_renew(p);
	if (has_route(rc) && hop->fib.ifindex != p->peer->ifindex) {
		hop->until = 0;
		return -PASS_no_route;
	}
	via = addr_load(hop->fib.ipv6_dst);
	hop->client = none;
	if (p->peer->flags & PEER_GATEWAYS || addr_same(&via, &p->s->dst)) {
		hop->client = p->s->dst;
		/* 0: the neighbour's own probe time counts */
		hop->probe[p->plane] = 0;
	}
	return rc;
}

/* Makes the kernel's checks in its order, hop limit, route and MTU, and last the policy's, whose
 * decision is in s->result. Returns 0 or a reason. */
INLINE int site_resolve_step(struct pkt *p)
{
	const struct peer *peer = p->s->peers >> 32 ? peer_find(p->s->peers >> 32) : NULL;
	int rc, result = p->s->result;
	__u64 now = bpf_jiffies64();
	struct nexthop *hop;
	__u32 slot;

	p->s->out = NO_SLOT;
	p->s->mtu = 0;
	if (p->s->ttl <= 1)
		return -PASS_hop_limit;
	if (!peer)
		return result ?: -DROP_unrouted;
	if (peer->flags & PEER_TUNNEL) {
		p->s->mtu = peer->mtu;
		rc = p->s->segment_len > peer->mtu ? -PASS_too_big : result;
		return rc ?: p->plane == PLANE_XDP ? -PASS_no_transmit : 0;
	}
	slot = peer->slot;
	hop = bpf_map_lookup_elem(&nexthops, &slot);
	if (!hop)
		return -DROP_unrouted;
	p->s->out = slot;
	p->peer = peer;
	rc = site_next_hop(p, hop, now);
	if (rc == -PASS_no_route || rc == -PASS_unknown_egress)
		return result ?: -DROP_unrouted;
	if (!has_route(rc))
		return result ?: rc;
	p->s->mtu = hop->fib.mtu_result;
	if (p->s->segment_len > p->s->mtu)
		return -PASS_too_big;
	if (result)
		return result;
	if (rc)
		return fib_through_neighbour(p, rc);
	rc = plane(p, can_send, hop);
	return rc ?: fib_probe(p, hop, now);
}
INLINE_STEP(site_resolve)

/* Makes room for the new headers, records the packet, and writes the hop limit. */
INLINE int site_rewrite_step(struct pkt *p)
{
	__u32 out = p->s->out;
	struct nexthop *hop = out == NO_SLOT ? NULL : bpf_map_lookup_elem(&nexthops, &out);
	struct ipv6hdr *ip;
	int rc;

	rc = rate_admits(p) ?: fragment_remember(p) ?: (hop ? plane(p, make_room, hop) : 0);
	rc = rc ?: plane(p, trim);
	if (rc)
		return rc;
	rate_pay(p);
	ip = at(p, p->s->l3, sizeof(*ip));
	if (!ip)
		return -DROP_send_failed;
	ip->hop_limit = p->s->ttl - 1;
	plane(p, hop_checksum);
	return 0;
}
INLINE_STEP(site_rewrite)

INLINE int site_send_step(struct pkt *p)
{
	__u32 out = p->s->out;
	const struct nexthop *hop;
	const struct peer *peer;
	int rc = -DROP_send_failed;

	if (out == NO_SLOT) {
		peer = peer_find(p->s->peers >> 32);
		rc = peer ? plane(p, give, peer->ifindex, &p->s->action) : rc;
	} else {
		hop = bpf_map_lookup_elem(&nexthops, &out);
		rc = hop ? plane(p, send, hop, &p->s->action) : rc;
	}
	if (!rc && p->s->tag)
		allowed_remember(p->s->tag);
	return rc;
}
INLINE_STEP(site_send)

/* tc: sends the ICMP error for the reason in s->result, from our own address on the link; XDP
 * leaves packets that may need one to tc. Returns the reason to count. */
INLINE int site_send_error_step(struct pkt *p)
{
	int rc = p->s->result;
	bool refused = rc == -DROP_refused || rc == -DROP_unrouted || rc == -DROP_same_site;
	bool too_big = rc == -PASS_too_big;
	int counted = refused ? rc : too_big ? -DROP_packet_too_big : -DROP_time_exceeded;
	const struct policy *rules = policy_find();
	const struct own *o;

	if (!rules || !(refused || too_big || rc == -PASS_hop_limit) ||
	    (refused && rules->reject == REJECT_SILENTLY))
		return rc;
	if (p->plane == PLANE_XDP)
		return refused && p->s->link_flags & LINK_TC ? -PASS_no_transmit : rc;
	o = own_find(p->s->ifindex);
	if (p->s->silent || is_later(p) || !o || !(o->addr.q[0] | o->addr.q[1]))
		return counted;
#ifndef WGXDP_HOST			/* the host plane, which tests use, builds no packets */
	__u32 unreachable = ICMP_ERROR_UNREACHABLE | (rules->reject == REJECT_PROHIBITED ? 1 : 3);
	int rc_error = tc_send_error(p, 0, ICMP_ERROR_OWN | (refused ? unreachable : p->s->mtu));

	if (rc_error)
		return refused ? rc : rc_error > 0 ? counted : rc_error;
	p->s->action = bpf_redirect(((struct __sk_buff *)p->ctx)->ifindex, 0);
#endif
	return counted;
}
CALLED_STEP(with_relay, site_send_error)

INLINE int site_way(struct pkt *p)
{
	int rc = site_find(p);

	if (rc)
		return p->s->outside ? NOT_OURS : rc;
	site_admit(p);
	if (p->s->outside && p->s->result)
		return NOT_OURS;
	rc = site_resolve(p) ?: site_rewrite(p);
	if (!rc)
		return site_send(p);
	p->s->result = rc;
	return site_send_error(p);
}
