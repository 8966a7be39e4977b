/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The step enter(), for ICMP and ICMPv6 errors about our packets. With source and destination
 * exchanged, the quoted packet looks like one in the direction in which the error travels. So the
 * steps for packets also find the service and the next hop of an error. Only two functions differ:
 * pull_quote() replaces pull_udp(), and quote_rewrite() (rewrite.h) replaces rewrite(). send.h
 * sends errors of our own.
 *
 * Runs after pull_ipv4() or pull_ipv6() (parse.h), and before find() (service.h).
 * Reads:  the packet.
 * Writes: s->quote, is_quote; s->src, dst and ports, from the quote, with both ends exchanged.
 */
#pragma once

#ifndef WGXDP_HOST
/* linux/icmp.h includes linux/if.h, which needs 32-bit libc headers that Debian does not install by
 * default. linux/icmp.h uses only IFNAMSIZ from it. */
#define _LINUX_IF_H
#define IFNAMSIZ 16
#endif
#include <linux/icmp.h>
#include <linux/icmpv6.h>
#include "fragment/fragment.h"
#include "link.h"

/* Returns whether the type is an error: unreachable (with fragmentation needed), packet too big,
 * time exceeded or parameter problem. */
INLINE bool icmp_is_error(__u32 family, __u8 type)
{
	if (family == FAMILY_IPV4)
		return type == ICMP_DEST_UNREACH || type == ICMP_TIME_EXCEEDED ||
		       type == ICMP_PARAMETERPROB;
	return type >= ICMPV6_DEST_UNREACH && type <= ICMPV6_PARAMPROB;
}

/* Reads both IP headers of an IPv4 error. Returns the offset of the packet's end; 0: it is not
 * ours. */
INLINE __u32 quote_read4(struct pkt *p, struct quote *q)
{
	const struct iphdr *outer = (void *)q->outer, *inner = (void *)q->inner;
	__u32 len;

	if (plane_read(p, p->s->l3, q->outer, sizeof(*outer)))
		return 0;
	len = ipv4_walk(p, p->s->l3, q->outer[0]);
	q->icmp_at = p->s->l3 + len;
	q->inner_at = q->icmp_at + sizeof(struct icmphdr);
	if (!len || plane_read(p, q->inner_at, q->inner, sizeof(*inner)))
		return 0;
	q->udp_at = q->inner_at + (q->inner[0] & 15) * 4;
	if (q->inner[0] < 0x45 || q->inner[0] > 0x4f || inner->protocol != IPPROTO_UDP ||
	    inner->frag_off & bpf_htons(0x1fff) || outer->daddr != inner->saddr)
		return 0;
	q->from = addr_from4(outer->saddr);
	q->src = addr_from4(inner->saddr);
	q->dst = addr_from4(inner->daddr);
	return p->s->l3 + bpf_ntohs(outer->tot_len);
}

/* Skips the fragment header of a quoted IPv6 packet: a sender that was told a smaller MTU sends
 * fragments, and may need an even smaller one. Returns the next header's type; 0: the quote is not
 * ours. */
INLINE __u8 quote_pass_fragment(struct pkt *p, struct quote *q)
{
	const struct fragment_header *f = (void *)q->fragment;

	if (plane_read(p, q->udp_at, q->fragment, sizeof(q->fragment)) ||
	    f->offset & bpf_htons(0xfff8))
		return 0;
	q->udp_at += sizeof(*f);
	return f->next;
}

/* Does the same for ICMPv6. A quote with other extension headers is not ours. */
INLINE __u32 quote_read6(struct pkt *p, struct quote *q)
{
	const struct ipv6hdr *outer = (void *)q->outer, *inner = (void *)q->inner;
	struct addr to;
	__u8 next;

	q->icmp_at = p->s->l3 + sizeof(*outer);
	q->inner_at = q->icmp_at + sizeof(struct icmp6hdr);
	q->udp_at = q->inner_at + sizeof(*inner);
	if (plane_read(p, p->s->l3, q->outer, sizeof(*outer)) ||
	    plane_read(p, q->inner_at, q->inner, sizeof(*inner)))
		return 0;
	q->from = addr_load(&outer->saddr);
	q->src = addr_load(&inner->saddr);
	q->dst = addr_load(&inner->daddr);
	to = addr_load(&outer->daddr);
	next = inner->nexthdr == IPPROTO_FRAGMENT ? quote_pass_fragment(p, q) : inner->nexthdr;
	if (q->inner[0] >> 4 != 6 || next != IPPROTO_UDP || !addr_same(&to, &q->src))
		return 0;
	return p->s->l3 + sizeof(*outer) + bpf_ntohs(outer->payload_len);
}

/* Reads the error into s->quote. Returns 0 or NOT_OURS. The quote must include a UDP header, and
 * its source must be the destination of the error. */
INLINE int quote_read_step(struct pkt *p)
{
	struct quote *q = &p->s->quote;
	const struct udphdr *udp = (void *)q->udp;
	__u32 end;

	q->to.q[0] = 0;			/* no fragment header, until one is found */
	end = p->s->family == FAMILY_IPV4 ? quote_read4(p, q) : quote_read6(p, q);
	if (!end || q->udp_at + sizeof(*udp) > end ||
	    plane_read(p, q->icmp_at, q->icmp, sizeof(q->icmp)) ||
	    !icmp_is_error(p->s->family, q->icmp[0]) ||
	    plane_read(p, q->udp_at, q->udp, sizeof(q->udp)))
		return NOT_OURS;
	q->sport = udp->source;
	q->dport = udp->dest;
	q->family = p->s->family;
	q->ip_at = p->s->l3;
	return 0;
}
CALLED_STEP(true, quote_read)

/* Sets the packet's addresses and ports to those of the quote, with source and destination
 * exchanged. An ICMP error has no UDP checksum. */
INLINE int pull_quote(struct pkt *p)
{
	struct quote *q = &p->s->quote;

	if (quote_read(p))
		return NOT_OURS;
	p->s->is_quote = true;
	p->s->src = q->dst;
	p->s->dst = q->src;
	p->s->sport = q->dport;
	p->s->dport = q->sport;
	p->s->checksum = 0;
	p->s->segment_len = p->s->len;
	if (is_martian(p->s->family == FAMILY_IPV4, q->from))
		pkt_set_pending(p, PASS_martian);
	return 0;
}

/* Makes the error's sender the packet's source, for link_source() to check. Until now the source
 * was the client. */
INLINE void quote_use_sender(struct pkt *p)
{
	if (p->s->direction == DIRECTION_ORIGINAL)
		p->s->src = p->s->quote.from;
}
