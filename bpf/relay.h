/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The way of a packet between sites: whose it is (route.h), whether it may (policy.h), where it leaves, and the errors that a
 * relay owes. What is for no site goes the way of pipeline.h; what is for one counts for its peers.
 */
#ifndef WGXDP_RELAY_H
#define WGXDP_RELAY_H

#include "pipeline.h"
#include "policy.h"
#include "route.h"

/* The way to a nic's peer, asked for as if the packet came in by that peer's own link: so the answer is good wherever it came
 * from. It is good for all of the site if it is a gateway, else for this destination. A way by another link than the peer's leads to
 * no site, whatever the kernel would do (a default route, where the site's own is gone): it is not taken, and not remembered. */
INLINE int relay_next_hop(struct pkt *p, struct nexthop *nexthop, __u64 now)
{
	__u32 zero = 0;
	struct control *c = bpf_map_lookup_elem(&control, &zero);
	__u64 differs = (nexthop->client.q[0] ^ p->dst.q[0]) | (nexthop->client.q[1] ^ p->dst.q[1]);
	struct fib_question q;
	struct addr via;
	int rc;

	if (!c)
		return -PASS_no_route;
	if (fib_fresh(nexthop, c, now) && (!differs || !(nexthop->client.q[0] | nexthop->client.q[1])))
		return 0;
	q = (struct fib_question){
		.src = p->src, .dst = p->dst, .sport = p->sport, .dport = p->dport, .ifindex = p->peer->ifindex,
	};
	rc = fib_renew(p, nexthop, &q, FAMILY_IPV6, c, now);
	if (is_answer(rc) && nexthop->fib.ifindex != p->peer->ifindex) {
		nexthop->until = 0;
		return -PASS_no_route;
	}
	via = addr_load(nexthop->fib.ipv6_dst);
	differs = (via.q[0] ^ p->dst.q[0]) | (via.q[1] ^ p->dst.q[1]);
	nexthop->client = differs ? (struct addr){ { { 0 } } } : p->dst;
	if (!differs)
		nexthop->probe[p->plane & 1] = 0;	/* the neighbour's own clock is asked */
	return rc;
}

/* Everything that can fail, in the order in which the kernel looks at it: hop limit, way and MTU, and then the rules. judged: what
 * route_find() and the policy came to */
INLINE int relay_resolve(struct pkt *p, int judged, struct nexthop **ret, __u32 *ret_mtu)
{
	__u64 now = bpf_jiffies64();
	struct nexthop *nexthop;
	__u32 slot;
	int rc;

	if (p->ttl <= 1)
		return -PASS_hop_limit;
	if (!p->peer)
		return judged ?: -DROP_unrouted;
	if (p->peer->flags & PEER_TUNNEL) {
		*ret_mtu = p->peer->mtu;
		rc = p->segment_len > *ret_mtu ? -PASS_too_big : judged;
		return rc ?: p->plane == PLANE_XDP ? -PASS_no_transmit : 0;
	}
	slot = p->peer->slot;
	nexthop = bpf_map_lookup_elem(&nexthops, &slot);
	if (!nexthop)
		return -DROP_unrouted;
	*ret = nexthop;
	rc = relay_next_hop(p, nexthop, now);
	if (rc == -PASS_no_route || rc == -PASS_unknown_egress)
		return judged ?: -DROP_unrouted;
	if (!is_answer(rc))
		return judged ?: rc;
	*ret_mtu = nexthop->fib.mtu_result;
	if (p->segment_len > *ret_mtu)
		return -PASS_too_big;
	if (judged)
		return judged;
	if (rc) {
		p->through_neighbour = true;
		return p->plane == PLANE_TC ? 0 : rc;
	}
	rc = plane(p, can_send, nexthop);
	return rc ?: fib_probe(p, nexthop, now);
}

INLINE int relay_rewrite(struct pkt *p)
{
	struct ipv6hdr *ip;
	int rc = plane(p, trim);

	if (rc)
		return rc;
	ip = at(p, p->l3, sizeof(*ip));
	if (!ip)
		return -DROP_send_failed;
	ip->hop_limit = p->ttl - 1;
	plane(p, hop_checksum);
	return 0;
}

INLINE bool relay_is_refusal(int rc)
{
	return rc == -DROP_refused || rc == -DROP_unrouted || rc == -DROP_same_site;
}

/* In place of what resolve came to: an error from our own address on the link, on the tc plane. XDP leaves to it what may have
 * to be answered. */
INLINE int relay_error(struct pkt *p, int rc, __u32 mtu, int *ret_action)
{
	__u32 zero = 0;
	const struct policy *rules = bpf_map_lookup_elem(&policy, &zero);
	bool refused = relay_is_refusal(rc), too_big = rc == -PASS_too_big;
	int told = refused ? rc : too_big ? -DROP_packet_too_big : -DROP_time_exceeded;
	const struct own *o;

	if (!rules || !(refused || too_big || rc == -PASS_hop_limit) || (refused && rules->reject == REJECT_SILENTLY))
		return rc;
	if (p->plane == PLANE_XDP)
		return refused && p->link->flags & LINK_TC ? -PASS_no_transmit : rc;
	o = own_find(p->ifindex);
	if (p->silent || is_later(p) || !o || !(o->addr.q[0] | o->addr.q[1]))
		return told;
#ifndef WGXDP_HOST			/* it has no packets of its own */
	int answer = tc_answer(p, 0, !refused ? ANSWER_OWN | mtu :
			       ANSWER_OWN | ANSWER_UNREACHABLE | (rules->reject == REJECT_PROHIBITED ? 1 : 3));

	if (answer)
		return refused ? rc : answer > 0 ? told : answer;
	*ret_action = bpf_redirect(((struct __sk_buff *)p->ctx)->ifindex, 0);
#endif
	return told;
}

INLINE int site_pipeline(struct pkt *p, int *ret_action)
{
	struct nexthop *nexthop = NULL;
	__u32 mtu = 0;
	int found = route_find(p), rc;

	if (found == NOT_OURS || found == -PASS_source)
		return p->outside ? NOT_OURS : found;
	rc = policy_admits(p) ?: found;
	rc = relay_resolve(p, rc, &nexthop, &mtu) ?: fragment_remember(p);
	if (!rc && nexthop)
		rc = plane(p, make_room, nexthop);
	rc = rc ?: relay_rewrite(p);
	if (rc)
		return p->outside ? NOT_OURS : relay_error(p, rc, mtu, ret_action);
	if (p->tag)
		allowed_remember(p->tag);
	return nexthop ? plane(p, send, nexthop, ret_action) : plane(p, give, p->peer->ifindex, ret_action);
}

/* As pipeline(), in programs with a relay */
INLINE int relay(struct pkt *p, __be16 proto, bool guards, int *ret_action)
{
	int rc = pull_link(p, &proto), next;

	if (rc)
		return rc;
	if (proto == bpf_htons(ETH_P_IPV6) && p->link->flags & LINK_PEERS) {
		next = pull_ipv6_header(p);
		if (next < 0)
			return next;
		p->next = next;
		p->outside = !is_overlay(p->dst);
		if (!p->outside || route_outside(p))
			return site_pipeline(p, ret_action);
		/* a service's backend in a site answers from there; whoever says so elsewhere is no backend */
		rc = is_overlay(p->src) ? route_source(p) : 0;
		if (rc)
			return rc;
	}
	rc = service_pipeline(p, proto, guards, ret_action);
	return rc == NOT_OURS ? route_stranger(p) : rc;
}

#endif
