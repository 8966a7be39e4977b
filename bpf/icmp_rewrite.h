/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Rewriting an ICMP error and what it quotes: addresses, port and every checksum, first in the map quotes, then in the packet.
 * Part of icmp.h.
 */
#ifndef WGXDP_ICMP_REWRITE_H
#define WGXDP_ICMP_REWRITE_H

#include "plane.h"

/* n bytes of the packet from off on. The skb's own sum (CHECKSUM_COMPLETE) is kept, if off is even. */
INLINE int plane_write(void *ctx, enum plane plane, __u32 off, const void *from, __u32 n)
{
#ifdef WGXDP_HOST
	struct host_packet *packet = ctx;

	if (off > packet->len || n > packet->len - off || (host_watch && !host_watch(NULL, HOST_NEW)))
		return -EFAULT;
	memcpy(packet->data + off, from, n);
	return 0;
#else
	return plane == PLANE_XDP ? bpf_xdp_store_bytes(ctx, off, (void *)from, n) :
				    bpf_skb_store_bytes(ctx, off, from, n, BPF_F_RECOMPUTE_CSUM);
#endif
}

/* new - old of two addresses, in one's complement, folded. What makes an address of IPv4 one of ours cancels out. */
INLINE __u16 addr_sum(const struct addr *a)
{
	__u64 sum = 0;

#pragma unroll
	for (int i = 0; i < 4; i++)
		sum += a->w[i];
	return csum_fold64(sum);
}

INLINE __u16 addr_delta(const struct addr *old, const struct addr *new)
{
	return csum_fold((__u16)~addr_sum(old) + addr_sum(new));
}

INLINE bool addr_same(const struct addr *a, const struct addr *b)
{
	return a->q[0] == b->q[0] && a->q[1] == b->q[1];
}

/* The quoted UDP header; what that adds to the sum of the message, where its addresses changed by delta */
INLINE __u32 quote_change_udp(struct quote *q, __u32 delta)
{
	struct udphdr *udp = (void *)q->udp;
	__be16 old = q->original ? udp->source : udp->dest;
	__u32 port = (__u16)~old + q->to_port;
	__sum16 check = udp->check;

	if (q->original)
		udp->source = q->to_port;
	else
		udp->dest = q->to_port;
	if (!check)
		return port;
	udp->check = csum_add_udp(check, delta + port);
	return port + (__u16)~check + udp->check;
}

/* Both IPv4 headers, the outer with its TTL; the message's sum changes by what is answered */
INLINE __u32 quote_change_ipv4(struct quote *q, const struct addr *outer_to, __u32 delta, __u32 outer_delta)
{
	struct iphdr *outer = (void *)q->outer, *inner = (void *)q->inner;
	__sum16 check = inner->check;

	if (q->original) {
		outer->daddr = addr_to4(*outer_to);
		inner->saddr = addr_to4(q->to);
	} else {
		outer->saddr = addr_to4(*outer_to);
		inner->daddr = addr_to4(q->to);
	}
	outer->ttl--;
	outer->check = csum_add(outer->check, outer_delta + (__u16)~bpf_htons(0x0100));
	inner->check = csum_add(check, delta);
	return delta + (__u16)~check + inner->check;
}

/* Both IPv6 headers; the outer addresses are in the message's pseudo header */
INLINE __u32 quote_change_ipv6(struct quote *q, const struct addr *outer_to, __u32 delta, __u32 outer_delta)
{
	struct ipv6hdr *outer = (void *)q->outer, *inner = (void *)q->inner;

	addr_store(q->original ? &outer->daddr : &outer->saddr, *outer_to);
	addr_store(q->original ? &inner->saddr : &inner->daddr, q->to);
	outer->hop_limit--;
	return delta + outer_delta;
}

/* All headers as they stand in the map, into the packet whose IP header is at l3 by now; 0 or negative */
INLINE int quote_store(void *ctx, enum plane plane, const struct quote *q, __u32 l3, __u32 family)
{
	__u32 moved = l3 - q->ip_at;	/* by tags, or an Ethernet header, that it leaves with */

	if (plane_write(ctx, plane, q->icmp_at + moved, q->icmp, sizeof(q->icmp)) ||
	    plane_write(ctx, plane, q->udp_at + moved, q->udp, sizeof(q->udp)))
		return -1;
	if (family == FAMILY_IPV4)
		return plane_write(ctx, plane, l3, q->outer, sizeof(struct iphdr)) ?:
		       plane_write(ctx, plane, q->inner_at + moved, q->inner, sizeof(struct iphdr));
	return plane_write(ctx, plane, l3, q->outer, sizeof(struct ipv6hdr)) ?:
	       plane_write(ctx, plane, q->inner_at + moved, q->inner, sizeof(struct ipv6hdr));
}

/* All headers, first in the map, then in the packet. As conntrack does it, what a router behind the backend says to the client
 * comes from the address that the client knows; where nothing is translated, from the router. 0 or negative. */
INLINE int quote_write(void *ctx, enum plane plane, __u32 l3, __u32 family)
{
	__u32 zero = 0, delta, outer_delta, change;
	struct quote *q = bpf_map_lookup_elem(&quotes, &zero);
	struct addr outer_to;
	struct icmphdr *icmp;

	if (!q)
		return -1;
	outer_to = q->to;
	delta = addr_delta(q->original ? &q->src : &q->dst, &q->to);
	outer_delta = delta;
	if (!q->original) {
		if (addr_same(&q->dst, &q->to) && q->dport == q->to_port)
			outer_to = q->from;
		outer_delta = addr_delta(&q->from, &outer_to);
	}
	change = family == FAMILY_IPV4 ? quote_change_ipv4(q, &outer_to, delta, outer_delta) :
					 quote_change_ipv6(q, &outer_to, delta, outer_delta);
	icmp = (void *)q->icmp;
	icmp->checksum = csum_add(icmp->checksum, csum_fold(change + quote_change_udp(q, delta)));
	return quote_store(ctx, plane, q, l3, family);
}

#endif
