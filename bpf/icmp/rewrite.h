/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The step leave(), for an ICMP error without a flow: rewrites addresses, port and checksums of the
 * error and its quote. The headers are rewritten in s->quote, then written to the packet.
 * flow/quote.h does the same for flows.
 *
 * Runs after ready() (pipeline.h), and before the plane's send.
 * Reads:  s->quote, service, direction. Writes: s->quote; the packet.
 */
#pragma once

#include "icmp/icmp.h"

/* Rewrites the quoted UDP header. delta: change of the quoted addresses' sum. Returns the change of
 * the ICMP message's sum. */
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

/* Rewrites both IPv4 headers, and the outer TTL. Returns the change of the ICMP message's sum. */
INLINE __u32 quote_change_ipv4(struct quote *q, const struct addr *outer_to, __u32 delta,
			       __u32 outer_delta)
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

/* Rewrites both IPv6 headers. Also returns the difference of the outer addresses, because the
 * ICMPv6 checksum covers them in its pseudo header. */
INLINE __u32 quote_change_ipv6(struct quote *q, const struct addr *outer_to, __u32 delta,
			       __u32 outer_delta)
{
	struct ipv6hdr *outer = (void *)q->outer, *inner = (void *)q->inner;

	addr_store(q->original ? &outer->daddr : &outer->saddr, *outer_to);
	addr_store(q->original ? &inner->saddr : &inner->daddr, q->to);
	outer->hop_limit--;
	return delta + outer_delta;
}

/* Writes all headers to the packet. The IP header of the packet is at l3, which may have moved.
 * Returns 0 or a negative value. */
INLINE int quote_store(struct pkt *p)
{
	const struct quote *q = &p->s->quote;
	/* Bytes by which VLAN tags or an Ethernet header have moved the packet. */
	__u32 l3 = p->s->l3, moved = l3 - q->ip_at;

	if (plane_write(p, q->icmp_at + moved, q->icmp, sizeof(q->icmp)) ||
	    plane_write(p, q->udp_at + moved, q->udp, sizeof(q->udp)))
		return -1;
	if (p->s->family == FAMILY_IPV4)
		return plane_write(p, l3, q->outer, sizeof(struct iphdr)) ?:
		       plane_write(p, q->inner_at + moved, q->inner, sizeof(struct iphdr));
	return plane_write(p, l3, q->outer, sizeof(struct ipv6hdr)) ?:
	       plane_write(p, q->inner_at + moved, q->inner, sizeof(struct ipv6hdr));
}

/* Rewrites the error. As with conntrack, an error from a router behind the listener appears to the
 * client with the listener's address as source. If the service translates nothing, the source
 * stays. Returns 0 or a reason. */
INLINE int quote_rewrite_step(struct pkt *p)
{
	struct quote *q = &p->s->quote;
	struct icmphdr *icmp = (void *)q->icmp;
	struct addr outer_to = p->s->service.to;
	__u32 delta, outer_delta, change;

	q->to = p->s->service.to;
	q->to_port = p->s->service.port;
	q->original = p->s->direction == DIRECTION_ORIGINAL;
	delta = addr_delta(q->original ? &q->src : &q->dst, &q->to);
	outer_delta = delta;
	if (!q->original) {
		if (addr_same(&q->dst, &q->to) && q->dport == q->to_port)
			outer_to = q->from;
		outer_delta = addr_delta(&q->from, &outer_to);
	}
	change = p->s->family == FAMILY_IPV4 ? quote_change_ipv4(q, &outer_to, delta, outer_delta) :
					       quote_change_ipv6(q, &outer_to, delta, outer_delta);
	icmp->checksum = csum_add(icmp->checksum, csum_fold(change + quote_change_udp(q, delta)));
	return quote_store(p) ? -DROP_send_failed : 0;
}
CALLED_STEP(true, quote_rewrite)
