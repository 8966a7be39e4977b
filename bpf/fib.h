/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * resolve's half that asks the kernel: the next hop, remembered for at most a second, of a backend, and of the client that its
 * listener answered last. And the neighbours' keeper: the kernel does not see what we forward, so now and then a packet of
 * each next hop goes through its own neighbour output, which probes an entry that has grown stale.
 */
#ifndef WGXDP_FIB_H
#define WGXDP_FIB_H

#include "link.h"
#include "plane.h"

#define PROBE_SECONDS 2			/* below the kernel's delay_first_probe_time, 5 s, so that an entry in use counts as used */

struct fib_question {
	struct addr src, dst;
	__be16 sport, dport;
	__u32 ifindex;			/* of the link that it comes in by */
};

/* Fills slot->fib with question, of this family, and answer. 0, or a reason; after PASS_no_neighbour the answer lacks only the MACs. */
INLINE int fib_ask(struct pkt *p, struct nexthop *slot, const struct fib_question *q, __u8 family)
{
	struct bpf_fib_lookup *fib = &slot->fib;	/* in the slot: 64 bytes less of stack */
	const struct link *egress;
	int rc;

	*fib = (struct bpf_fib_lookup){
		.family = family, .l4_protocol = IPPROTO_UDP, .sport = q->sport, .dport = q->dport,
		.tot_len = 1,			/* so that the answer has the MTU; what it means is ours to say */
		.ifindex = q->ifindex,
	};
	if (family == FAMILY_IPV4) {
		fib->tos = p->tos;
		fib->ipv4_src = addr_to4(q->src);
		fib->ipv4_dst = addr_to4(q->dst);
	} else {
		fib->flowinfo = bpf_htonl(p->tos << 20);
		addr_store(fib->ipv6_src, q->src);
		addr_store(fib->ipv6_dst, q->dst);
	}
	rc = bpf_fib_lookup(p->ctx, fib, sizeof(*fib), 0);
	if (rc == BPF_FIB_LKUP_RET_NOT_FWDED)
		return -PASS_local;
	if (rc == BPF_FIB_LKUP_RET_FWD_DISABLED)
		return -PASS_forwarding_off;
	if (rc != BPF_FIB_LKUP_RET_SUCCESS && rc != BPF_FIB_LKUP_RET_NO_NEIGH)
		return -PASS_no_route;
	egress = link_find(fib->ifindex);
	if (!egress)
		return -PASS_unknown_egress;
	slot->egress = egress->flags;
	slot->port = egress->port;
	slot->tags[0] = egress->tags[0];
	slot->tags[1] = egress->tags[1];
	if (egress->flags & LINK_L3 || rc == BPF_FIB_LKUP_RET_SUCCESS) {
		if (rc)
			fib->mtu_result = egress->mtu;
		return 0;
	}
	fib->mtu_result = egress->mtu;
	return -PASS_no_neighbour;
}

INLINE bool is_answer(int rc)
{
	return !rc || rc == -PASS_no_neighbour;
}

INLINE bool fib_fresh(const struct nexthop *nexthop, const struct control *c, __u64 now)
{
	return now < nexthop->until && nexthop->generation == c->generation;
}

/* Asks, and remembers the answer for a second if it is whole */
INLINE int fib_renew(struct pkt *p, struct nexthop *nexthop, const struct fib_question *q, __u8 family,
		     const struct control *c, __u64 now)
{
	int rc;

	nexthop->until = 0;
	nexthop->generation = c->generation;
	rc = fib_ask(p, nexthop, q, family);
	if (!rc && !(c->flags & CONTROL_ASK_ALWAYS))
		nexthop->until = now + tick_rate;
	return rc;
}

/* The address as which an original is seen when its way is asked for: the client's, or the first one of ours where it leaves with
 * one of these, whichever that is */
INLINE struct addr fib_source(const struct pkt *p)
{
	__u32 id = p->service->id;
	struct addr source = p->src;
	const struct pool *pool;

	if (p->blind && p->way && !p->flow && p->way->way.is_new == FLOW_KNOWN)
		return addr_load(&p->way->way.src);
	pool = p->flows && p->way ? bpf_map_lookup_elem(&pools, &id) : NULL;
	if (pool)
		source = addr_load(p->leaves == FAMILY_IPV4 ? &pool->own4[0] : &pool->own6[0]);
	return source;
}

/* The way of originals: to the backend, as asked by a client on the listener's link. Replies ask it too, for the link that
 * they must come from; but for nobody: who claims to answer one of our own addresses may not make the rules for that source
 * ours, for a second. */
INLINE int fib_backend(struct pkt *p, struct nexthop *nexthop, const struct control *c, __u64 now)
{
	bool original = p->direction == DIRECTION_ORIGINAL;
	struct fib_question q;

	if (fib_fresh(nexthop, c, now))
		return 0;
	q = (struct fib_question){
		.src = original ? fib_source(p) : c->flags & CONTROL_ASK_ALWAYS ? p->dst : (struct addr){ { { 0 } } },
		.dst = original ? p->to : p->src,
		.sport = original ? p->sport : p->dport,
		.dport = original ? p->to_port : p->sport,
		.ifindex = original ? p->ifindex : p->service->ifindex,
	};
	return fib_renew(p, nexthop, &q, original ? family_out(p) : p->family, c, now);
}

/* The way of replies: to the client, as if the listener's address sent them, so that rules by source choose its WAN. Good for
 * the same client's next reply; of clients that take turns each is asked for, unless the slot is
 * uniform and answers for all of them. */
INLINE int fib_client(struct pkt *p, struct nexthop *nexthop, const struct control *c, __u64 now, bool uniform)
{
	struct fib_question q;
	struct addr client = client_of(p);
	__be16 port = p->flows && p->way ? p->way->way.dport : p->dport;
	__u64 differs = (nexthop->client.q[0] ^ client.q[0]) | (nexthop->client.q[1] ^ client.q[1]) |
			(nexthop->client_port ^ port) | (nexthop->ifindex ^ p->ifindex);

	if ((uniform || !differs) && fib_fresh(nexthop, c, now))
		return 0;
	q = (struct fib_question){
		.src = p->to, .dst = client, .sport = p->to_port, .dport = port, .ifindex = p->ifindex,
	};
	nexthop->client = client;
	nexthop->client_port = port;
	nexthop->ifindex = p->ifindex;
	nexthop->probe[p->plane & 1] = 0;	/* the neighbour's own clock is asked */
	return fib_renew(p, nexthop, &q, family_out(p), c, now);
}

/* The neighbour's clock, by a hash that changes now and then, so that two that share one do not for ever */
INLINE struct nexthop *fib_gateway_slot(const struct nexthop *nexthop, __u64 now)
{
	const __u32 *a = nexthop->fib.ipv6_dst;		/* of an IPv4 answer all but the first word are zero */
	__u32 hash = a[0] ^ a[1] ^ a[2] ^ a[3] ^ nexthop->fib.ifindex ^ (__u32)(now >> 14);
	__u32 slot = gateway_slots + (hash * 0x9e3779b1 >> 22);

	return bpf_map_lookup_elem(&nexthops, &slot);
}

/* Whether this packet goes through the kernel's neighbour output; 0 or PASS_probe. XDP hands it to tc. Each plane keeps a
 * clock of its own, for tc may run on another CPU. */
INLINE int fib_probe(struct pkt *p, struct nexthop *nexthop, __u64 now)
{
	__u64 *clock = &nexthop->probe[p->plane & 1], *shared = clock;

	if (now < *clock || (p->plane == PLANE_XDP && !(p->link->flags & LINK_TC)))
		return 0;
	if (p->direction == DIRECTION_REPLY || p->overlay) {
		struct nexthop *gateway = fib_gateway_slot(nexthop, now);

		if (!gateway)
			return 0;
		shared = &gateway->probe[p->plane & 1];
		if (now < *shared) {
			*clock = *shared;
			return 0;
		}
	}
	*clock = *shared = now + PROBE_SECONDS * tick_rate;
	if (p->plane == PLANE_XDP)
		return -PASS_probe;
	p->through_neighbour = true;
	return 0;
}

#endif
