/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The headers of an ICMP error about a packet of a flow, as they leave, made in maps. Part of flow_quote.h.
 */
#ifndef WGXDP_FLOW_HEADS_H
#define WGXDP_FLOW_HEADS_H

#include "across_send.h"
#include "icmp.h"

/* ---- the same family: addresses, ports, TTL ---- */

/* One's complement sum of n bytes, a multiple of 4, at most 40. Called, for its many uses would have no room on the stack. */
static __attribute__((noinline)) __u32 quote_sum(const void *from, __u32 n)
{
	__u64 sum = 0;

#pragma clang loop unroll(disable)
	for (__u32 i = 0; i < 10 && i < n / 4; i++)
		sum += load_word(__u32, from + 4 * i);
	return csum_fold64(sum);
}

INLINE __u32 sum_of(const struct addr *a, const struct addr *b)
{
	return quote_sum(a, sizeof(*a)) + quote_sum(b, sizeof(*b));
}

/* The quoted UDP header turned to what the flow's other end sent; what that adds to the sum of the message */
INLINE __u32 flow_quote_udp(struct quote *q, const struct flow_way *way, __u32 delta)
{
	struct udphdr *udp = (void *)q->udp;
	__u32 ports = (__u16)~udp->source + way->dport + (__u16)~udp->dest + way->sport;
	__sum16 check = udp->check;

	udp->source = way->dport;
	udp->dest = way->sport;
	if (!check)
		return ports;
	udp->check = csum_add_udp(check, delta + ports);
	return ports + (__u16)~check + udp->check;
}

/* Headers in the map; what that adds to the sum of the message */
INLINE __u32 flow_quote_same(struct quote *q, const struct flow_way *way)
{
	__u32 delta = csum_fold((__u16)~csum_fold(sum_of(&q->src, &q->dst)) + csum_fold(sum_of(&way->src, &way->dst)));
	__u32 outer_delta = csum_fold((__u16)~csum_fold(sum_of(&q->from, &q->src)) + csum_fold(sum_of(&way->src, &way->dst)));
	__u32 change = flow_quote_udp(q, way, delta);

	if (way->family == FAMILY_IPV4) {
		struct iphdr *outer = (void *)q->outer, *inner = (void *)q->inner;
		__sum16 check = inner->check;

		inner->daddr = outer->saddr = addr_to4(way->src);
		inner->saddr = outer->daddr = addr_to4(way->dst);
		outer->ttl--;
		outer->check = csum_add(outer->check, outer_delta + (__u16)~bpf_htons(0x0100));
		inner->check = csum_add(check, delta);
		return change + delta + (__u16)~check + inner->check;
	} else {
		struct ipv6hdr *outer = (void *)q->outer, *inner = (void *)q->inner;

		addr_store(&outer->saddr, way->src);
		addr_store(&outer->daddr, way->dst);
		addr_store(&inner->saddr, way->dst);
		addr_store(&inner->daddr, way->src);
		outer->hop_limit--;
		return change + delta + outer_delta;
	}
}

/* ---- the other family ---- */

/* Header h of payload bytes, as it is in this way; inner: of the packet that is quoted */
INLINE void quote_head4(struct iphdr *ip, const struct flow_scratch *s, const struct ipv6hdr *old, __u32 payload, bool inner)
{
	__u32 sum;

	*(__u8 *)ip = 0x45;
	ip->tos = bpf_ntohs(*(__be16 *)old) >> 4;
	ip->tot_len = bpf_htons(sizeof(*ip) + payload);
	ip->id = 0;
	ip->frag_off = inner ? IP_DF : 0;
	ip->ttl = old->hop_limit - !inner;
	ip->protocol = inner ? IPPROTO_UDP : IPPROTO_ICMP;
	ip->check = 0;
	ip->saddr = addr_to4(inner ? s->way.dst : s->way.src);
	ip->daddr = addr_to4(inner ? s->way.src : s->way.dst);
	sum = quote_sum(ip, sizeof(*ip));
	ip->check = ~sum;
}

INLINE void quote_head6(struct ipv6hdr *ip, const struct flow_scratch *s, const struct iphdr *old, __u32 payload, bool inner)
{
	*(__be32 *)ip = bpf_htonl(6 << 28 | (__u32)old->tos << 20);
	ip->payload_len = bpf_htons(payload);
	ip->nexthdr = inner ? IPPROTO_UDP : IPPROTO_ICMPV6;
	ip->hop_limit = old->ttl - !inner;
	addr_store(&ip->saddr, inner ? s->way.dst : s->way.src);
	addr_store(&ip->daddr, inner ? s->way.src : s->way.dst);
}

/* A quoted first fragment's header is left behind, and said by IPv4's; what that adds to the message's sum, without IPv4's header */
INLINE __u32 quote_no_fragment(const struct quote *q, struct iphdr *ip)
{
	const struct fragment_header *f = (void *)q->fragment;
	__u32 sum;

	if (!f->next)
		return 0;
	ip->tot_len = bpf_htons(bpf_ntohs(ip->tot_len) - sizeof(*f));
	ip->id = bpf_htons(bpf_ntohl(f->id));
	ip->frag_off = bpf_htons((bpf_ntohs(f->offset) & 1) << 13);
	ip->check = 0;
	sum = quote_sum(ip, sizeof(*ip));
	ip->check = ~sum;
	return (__u16)~quote_sum(f, sizeof(*f));
}

/* What of the pseudo header is in the sum of an ICMPv6 message of this many bytes */
INLINE __u32 quote_pseudo(const struct addr *a, const struct addr *b, __u32 len)
{
	return sum_of(a, b) + bpf_htons(len) + bpf_htons(IPPROTO_ICMPV6);
}

/* All headers, in the map: what they add to the message's sum in place of those that were */
INLINE void flow_quote_change(struct quote *q, struct flow_scratch *s)
{
	bool to4 = s->way.family == FAMILY_IPV4;
	__u32 rest = s->across.payload, delta, sum, word = s->across.word;
	__u32 message = sizeof(struct icmphdr) + (to4 ? sizeof(struct iphdr) : sizeof(struct ipv6hdr)) + rest;
	struct icmphdr *icmp = (void *)q->icmp;

	delta = csum_fold((__u16)~csum_fold(sum_of(&q->src, &q->dst)) + csum_fold(sum_of(&s->way.src, &s->way.dst)));
	sum = (__u16)~icmp->checksum + flow_quote_udp(q, &s->way, delta);
	icmp->checksum = 0;
	sum += (__u16)~quote_sum(icmp, sizeof(*icmp));
	if (to4) {
		const struct ipv6hdr *outer = (void *)q->outer, *inner = (void *)q->inner;
		__u32 old = bpf_ntohs(outer->payload_len);

		sum += (__u16)~csum_fold(quote_pseudo(&q->from, &q->src, old)) + (__u16)~quote_sum(inner, sizeof(*inner));
		quote_head4((void *)s->across.bytes, s, outer, message, false);
		quote_head4((void *)s->across.inner, s, inner, bpf_ntohs(inner->payload_len), true);
		sum += quote_no_fragment(q, (void *)s->across.inner);
		sum += quote_sum(s->across.inner, sizeof(struct iphdr));
	} else {
		const struct iphdr *outer = (void *)q->outer, *inner = (void *)q->inner;

		sum += (__u16)~quote_sum(inner, sizeof(*inner));
		quote_head6((void *)s->across.bytes, s, outer, message, false);
		quote_head6((void *)s->across.inner, s, inner, bpf_ntohs(inner->tot_len) - sizeof(*inner), true);
		sum += quote_sum(s->across.inner, sizeof(struct ipv6hdr)) + csum_fold(quote_pseudo(&s->way.src, &s->way.dst, message));
	}
	icmp->type = s->across.kind >> 8;
	icmp->code = s->across.kind;
	icmp->un.gateway = bpf_htonl(word);
	sum += quote_sum(icmp, sizeof(*icmp));
	icmp->checksum = ~csum_fold(sum);
}

#endif
