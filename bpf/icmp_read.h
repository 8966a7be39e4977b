/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Reading an ICMP or ICMPv6 error: its headers and those that it quotes go into the map quotes, if the quote is of a datagram
 * and shows its ports. Part of icmp.h.
 */
#ifndef WGXDP_ICMP_READ_H
#define WGXDP_ICMP_READ_H

#ifndef WGXDP_HOST
#define _LINUX_IF_H			/* linux/if.h wants libc's headers, which a bare Debian lacks for 32 bits */
#define IFNAMSIZ 16			/* and this is all that linux/icmp.h wants of it */
#endif
#include <linux/icmp.h>
#include <linux/icmpv6.h>
#include "fragment.h"

/* Unreachable, fragmentation needed, packet too big, time exceeded, parameter problem */
INLINE bool icmp_is_error(__u32 family, __u8 type)
{
	if (family == FAMILY_IPV4)
		return type == ICMP_DEST_UNREACH || type == ICMP_TIME_EXCEEDED || type == ICMP_PARAMETERPROB;
	return type >= ICMPV6_DEST_UNREACH && type <= ICMPV6_PARAMPROB;
}

/* Both IP headers of an IPv4 error, and where what follows them is; the end of the packet, or 0 where it is none of ours */
INLINE __u32 quote_read4(void *ctx, enum plane plane, __u32 l3, struct quote *q)
{
	const struct iphdr *outer = (void *)q->outer, *inner = (void *)q->inner;
	__u32 len;

	if (plane_read(ctx, plane, l3, q->outer, sizeof(*outer)))
		return 0;
	len = ipv4_walk(ctx, plane, l3, q->outer[0]);
	q->icmp_at = l3 + len;
	q->inner_at = q->icmp_at + sizeof(struct icmphdr);
	if (!len || plane_read(ctx, plane, q->inner_at, q->inner, sizeof(*inner)))
		return 0;
	q->udp_at = q->inner_at + (q->inner[0] & 15) * 4;
	if (q->inner[0] < 0x45 || q->inner[0] > 0x4f || inner->protocol != IPPROTO_UDP ||
	    inner->frag_off & bpf_htons(0x1fff) || outer->daddr != inner->saddr)
		return 0;
	q->from = addr_from4(outer->saddr);
	q->src = addr_from4(inner->saddr);
	q->dst = addr_from4(inner->daddr);
	return l3 + bpf_ntohs(outer->tot_len);
}

/* The header of a first fragment in a quote of IPv6, which is passed by: an end that has been told before sends its datagrams in
 * pieces, and is to be told again. What follows it, or 0 */
INLINE __u8 quote_fragment(void *ctx, enum plane plane, struct quote *q)
{
	const struct fragment_header *f = (void *)q->fragment;

	if (plane_read(ctx, plane, q->udp_at, q->fragment, sizeof(q->fragment)) || f->offset & bpf_htons(0xfff8))
		return 0;
	q->udp_at += sizeof(*f);
	return f->next;
}

/* Likewise of an ICMPv6 error; other extension headers in a quote are not followed */
INLINE __u32 quote_read6(void *ctx, enum plane plane, __u32 l3, struct quote *q)
{
	const struct ipv6hdr *outer = (void *)q->outer, *inner = (void *)q->inner;
	struct addr to;
	__u8 next;

	q->icmp_at = l3 + sizeof(*outer);
	q->inner_at = q->icmp_at + sizeof(struct icmp6hdr);
	q->udp_at = q->inner_at + sizeof(*inner);
	if (plane_read(ctx, plane, l3, q->outer, sizeof(*outer)) ||
	    plane_read(ctx, plane, q->inner_at, q->inner, sizeof(*inner)))
		return 0;
	q->from = addr_load(&outer->saddr);
	q->src = addr_load(&inner->saddr);
	q->dst = addr_load(&inner->daddr);
	to = addr_load(&outer->daddr);
	next = inner->nexthdr == IPPROTO_FRAGMENT ? quote_fragment(ctx, plane, q) : inner->nexthdr;
	if (q->inner[0] >> 4 != 6 || next != IPPROTO_UDP || to.q[0] != q->src.q[0] || to.q[1] != q->src.q[1])
		return 0;
	return l3 + sizeof(*outer) + bpf_ntohs(outer->payload_len);
}

/* Fills quotes with the error whose IP header is at l3; 0 or NOT_OURS. The quote must hold a UDP header, and be of a packet
 * that was sent by whom the error is for. */
INLINE int quote_read(void *ctx, enum plane plane, __u32 l3, __u32 family)
{
	__u32 zero = 0, end;
	struct quote *q = bpf_map_lookup_elem(&quotes, &zero);
	const struct udphdr *udp;

	if (!q)
		return NOT_OURS;
	q->to.q[0] = 0;			/* no fragment */
	end = family == FAMILY_IPV4 ? quote_read4(ctx, plane, l3, q) : quote_read6(ctx, plane, l3, q);
	if (!end || q->udp_at + sizeof(*udp) > end ||
	    plane_read(ctx, plane, q->icmp_at, q->icmp, sizeof(q->icmp)) || !icmp_is_error(family, q->icmp[0]) ||
	    plane_read(ctx, plane, q->udp_at, q->udp, sizeof(q->udp)))
		return NOT_OURS;
	udp = (void *)q->udp;
	q->sport = udp->source;
	q->dport = udp->dest;
	q->family = family;
	q->ip_at = l3;
	return 0;
}

#endif
