/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The step resolve(), second part: the next hop. A slot of `nexthops` remembers it for at most one
 * second: for a backend, for the client that a listener answered last, or for a whole prefix (map
 * uniform). The kernel does not see the packets that we forward, so its neighbour entries would
 * age. Therefore one packet per next hop is sent by the kernel's neighbour output every
 * PROBE_SECONDS, and the kernel probes a stale entry.
 *
 * Runs after the source check (link.h), and before ready() (pipeline.h).
 * Reads:  s->service, direction, addresses, ports, tos, flowinfo, ifindex; maps nexthops, control,
 *         uniform.
 * Writes: s->question, through_neighbour; the maps nexthops and signals.
 */
#pragma once

#include "link.h"
#include "plane/plane.h"
#include "step.h"
#include "table.h"

/* Less than delay_first_probe_time (5 s), so the kernel regards the neighbour entry as in use. */
#define PROBE_SECONDS 2

/* ---- FIB lookups ---- */

/* Looks s->question up in the FIB; hop->fib gets arguments and result. Returns 0 or a reason: after
 * PASS_no_neighbour only the MAC addresses are missing.
 *
 * The MTU is the link's, as when the kernel forwards. The FIB's answer may contain an MTU that the
 * kernel learned from an ICMP error, which a stranger can forge. Only a locked MTU of a route also
 * counts, so the FIB's answer counts unless it is below locked_mtu, the lowest one; 0: none. */
INLINE int fib_ask(struct pkt *p, struct nexthop *hop, __u32 locked_mtu)
{
	const struct fib_question *q = &p->s->question;
	struct bpf_fib_lookup *fib = &hop->fib;
	const struct link *egress;
	int rc;

	*fib = (struct bpf_fib_lookup){
		.family = q->family, .l4_protocol = IPPROTO_UDP,
		.sport = q->sport, .dport = q->dport, .ifindex = q->ifindex,
		.tot_len = 1,		/* not 0: then the kernel also returns the MTU */
	};
	if (q->family == FAMILY_IPV4) {
		fib->tos = p->s->tos;
		fib->ipv4_src = addr_to4(q->src);
		fib->ipv4_dst = addr_to4(q->dst);
	} else {
		fib->flowinfo = p->s->family == FAMILY_IPV6 ? p->s->flowinfo :
							      bpf_htonl(p->s->tos << 20);
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
	hop->egress = egress->flags;
	hop->port = egress->port;
	hop->tags[0] = egress->tags[0];
	hop->tags[1] = egress->tags[1];
	if (rc || !locked_mtu || fib->mtu_result < locked_mtu)
		fib->mtu_result = link_mtu(p->ctx, egress, q->family);
	return rc && !(egress->flags & LINK_L3) ? -PASS_no_neighbour : 0;
}

/* Returns whether the lookup found a route, even if the neighbour's MAC address is unknown. */
INLINE bool has_route(int rc)
{
	return !rc || rc == -PASS_no_neighbour;
}

INLINE bool fib_fresh(const struct nexthop *hop, const struct control *c, __u64 now)
{
	return now < hop->until && hop->generation == c->generation;
}

/* Looks s->question up. Stores a complete result in the question's slot, for a second. In a slot of
 * the map uniform, the MTU is the link's: no route of the prefix has a locked one. */
INLINE int fib_renew_step(struct pkt *p)
{
	__u32 slot = p->s->question.slot;
	struct nexthop *hop = bpf_map_lookup_elem(&nexthops, &slot);
	const struct control *c = control_find();
	int rc;

	if (!hop)
		return -PASS_no_route;
	hop->until = 0;
	hop->generation = c->generation;
	rc = fib_ask(p, hop, slot >= uniform_slots && slot < gateway_slots ?
				     0 : c->flags >> CONTROL_MTU_SHIFT);
	if (!rc && !(c->flags & CONTROL_ASK_ALWAYS))
		hop->until = bpf_jiffies64() + tick_rate;
	return rc;
}
CALLED_STEP(true, fib_renew)

/* ---- originals, to the backend ---- */

/* Returns the source address of packets to the backend for the FIB lookup: our first address of the
 * family in s->question if the clients have flows, otherwise `client`. */
INLINE struct addr fib_source(const struct pkt *p, struct addr client)
{
	bool ipv4 = p->s->question.family == FAMILY_IPV4;
	__u32 id = p->s->service.id;
	const struct pool *pool;

	if (with_blind && p->s->is_blind)
		return addr_load(&p->s->flow.way.src);
	pool = with_flows && p->s->has_way ? bpf_map_lookup_elem(&pools, &id) : NULL;
	return pool ? addr_load(ipv4 ? &pool->own4[0] : &pool->own6[0]) : client;
}

/* Finds the next hop to the backend, in its slot or by a lookup as for a client's packet from the
 * listener's link. For a reply, it tells on which link the reply must arrive. Then the packet's
 * own destination is no source address for the lookup: a forged reply to one of our addresses could
 * make rules for that source apply for a second. */
INLINE int fib_backend(struct pkt *p, struct nexthop *hop, __u32 slot, const struct control *c,
		       __u64 now)
{
	struct fib_question *q = &p->s->question;

	if (likely(fib_fresh(hop, c, now)))
		return 0;
	q->slot = slot;
	if (p->s->direction == DIRECTION_ORIGINAL) {
		q->family = family_out(p);
		q->src = fib_source(p, p->s->src);
		q->dst = p->s->service.to;
		q->sport = p->s->sport;
		q->dport = p->s->service.port;
		q->ifindex = p->s->ifindex;
	} else {
		q->family = p->s->family;
		q->src = c->flags & CONTROL_ASK_ALWAYS ? p->s->dst :
							 fib_source(p, (struct addr){ { { 0 } } });
		q->dst = p->s->src;
		q->sport = p->s->dport;
		q->dport = p->s->sport;
		q->ifindex = p->s->service.ifindex;
	}
	return fib_renew(p);
}

/* Returns whether the link on which a reply arrived is one of several next hops to its backend. */
INLINE bool is_way(const struct pkt *p)
{
	struct table_key key = {
		p->s->src, table_word(KEY_WAY, p->s->family, 0, p->s->ifindex),
	};

	return table_find(&key);
}

/* Checks that a reply arrived on the link that leads to its backend, or on one of them if the
 * kernel chooses among several next hops. Returns 0 or a reason. */
INLINE int fib_reply_link(struct pkt *p, struct nexthop *backend, __u32 slot,
			  const struct control *c, __u64 now)
{
	int rc;

	if (unlikely(p->s->service.flags & SERVICE_WAYS) && is_way(p))
		return 0;
	rc = fib_backend(p, backend, slot, c, now);
	if (unlikely(!has_route(rc)))
		return rc;
	return likely(backend->fib.ifindex == p->s->ifindex) ? 0 : -PASS_wrong_link;
}

/* ---- replies, to the client ---- */

INLINE bool uniform_is_due(const struct control *c, __u64 now)
{
	return now + tick_rate >= c->heartbeat && unlikely(now >= c->asked);
}

/* Asks the daemon for a new heartbeat before the present one ends, at most twice a second. */
INLINE void uniform_ask(struct control *c, __u64 now)
{
	struct signal signal;

	if (!uniform_is_due(c, now))
		return;
	signal = (struct signal){ .kind = SIGNAL_HEARTBEAT, .jiffies = now };
	c->asked = now + tick_rate / 2;
	bpf_ringbuf_output(&signals, &signal, sizeof(signal), 0);
}

/* Returns the slot for the client's prefix in the map uniform, or 0 if only the FIB knows the next
 * hop. Each round resolves 16 bits of the address: two rounds are a whole IPv4 address, three the
 * usual prefix of an IPv6 site. */
INLINE __u32 uniform_find(bool ipv4, struct addr client)
{
	__u64 block = ipv4 ? UNIFORM_IPV4 : UNIFORM_IPV6;
	__u64 bits = ipv4 ? (__u64)bpf_ntohl(addr_to4(client)) << 32 :
			    bpf_be64_to_cpu(client.q[0]);

#pragma unroll
	for (int i = 0; i < 3; i++) {
		__u32 index = block * UNIFORM_ROWS + (bits >> 53);
		const struct uniform_row *row = bpf_map_lookup_elem(&uniform, &index);
		__u16 slot = row ? row->slot[bits >> 48 & (UNIFORM_ROW - 1)] : 0;

		if (!(slot & UNIFORM_DEEPER))
			return slot ? uniform_slots + slot : 0;
		block = slot & ~UNIFORM_DEEPER;
		bits <<= 16;
	}
	return 0;
}

/* Returns the slot for the client of a reply; 0: none. The daemon keeps the map uniform up to date
 * from netlink, so the map counts only while the daemon's heartbeat is recent. */
INLINE __u32 uniform_slot(const struct pkt *p, struct control *c, __u64 now)
{
	uniform_ask(c, now);
	return now < c->heartbeat ? uniform_find(family_out(p) == FAMILY_IPV4, client_of(p)) : 0;
}

/* Finds the route to the client of a reply. The lookup has the listener's address as source, so
 * that rules by source select the WAN. The result serves the next reply to the same client or, in a
 * uniform slot, to any client with the prefix. */
INLINE int fib_client(struct pkt *p, struct nexthop *hop, __u32 slot, const struct control *c,
		      __u64 now, bool is_uniform)
{
	__be16 port = with_flows && p->s->has_way ? p->s->flow.way.dport : p->s->dport;
	struct fib_question *q = &p->s->question;
	struct addr client = client_of(p);
	bool same = addr_same(&hop->client, &client) && hop->client_port == port &&
		    hop->ifindex == p->s->ifindex;

	if (likely((is_uniform || same) && fib_fresh(hop, c, now)))
		return 0;
	q->src = p->s->service.to;
	q->dst = client;
	q->sport = p->s->service.port;
	q->dport = port;
	q->ifindex = p->s->ifindex;
	q->slot = slot;
	q->family = family_out(p);
	hop->client = client;
	hop->client_port = port;
	hop->ifindex = p->s->ifindex;
	hop->probe[p->plane] = 0; /* 0: the neighbour's own probe time counts */
	return fib_renew(p);
}

/* ---- probes of the neighbour ---- */

/* Returns the slot with the neighbour's probe time. The hash changes from time to time, so that two
 * neighbours share a slot only for a while. */
INLINE struct nexthop *fib_gateway_slot(const struct nexthop *hop, __u64 now)
{
	/* Address of the neighbour; IPv4: only the first word is not 0. */
	const __u32 *a = hop->fib.ipv6_dst;
	__u32 hash = a[0] ^ a[1] ^ a[2] ^ a[3] ^ hop->fib.ifindex ^ (__u32)(now >> 14);
	__u32 slot = gateway_slots + (hash * 0x9e3779b1 >> 22);

	return bpf_map_lookup_elem(&nexthops, &slot);
}

/* Returns 0, or PASS_probe if it is time that the kernel's neighbour output sends a packet, so that
 * XDP leaves this one to tc. Each plane has its own time, because tc may run on another CPU. */
INLINE int fib_probe(struct pkt *p, struct nexthop *hop, __u64 now)
{
	__u64 *clock = &hop->probe[p->plane], *shared = clock;

	if (likely(now < *clock) || (p->plane == PLANE_XDP && !(p->s->link_flags & LINK_TC)))
		return 0;
	if (p->s->direction == DIRECTION_REPLY || p->s->overlay) {
		struct nexthop *gateway = fib_gateway_slot(hop, now);

		if (!gateway)
			return 0;
		shared = &gateway->probe[p->plane];
		if (now < *shared) {
			*clock = *shared;
			return 0;
		}
	}
	*clock = *shared = now + PROBE_SECONDS * tick_rate;
	if (p->plane == PLANE_XDP)
		return -PASS_probe;
	p->s->through_neighbour = true;
	return 0;
}

/* Leaves the packet to the kernel's neighbour output: tc sends it that way, XDP returns `rc`. */
INLINE int fib_through_neighbour(struct pkt *p, int rc)
{
	p->s->through_neighbour = true;
	return p->plane == PLANE_TC ? 0 : rc;
}
