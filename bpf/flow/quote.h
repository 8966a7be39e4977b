/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The step leave(), for ICMP errors about packets of flows. The new outer header goes from our
 * address to the other end of the flow. The quote becomes the packet as that end sent it. For the
 * other IP version, RFC 7915 sections 4.2 and 5.2 apply. The headers are built in the state, then
 * written to the packet.
 *
 * Runs when flow_admits() in ready() calls flow_quote_kind(), and before the plane's send.
 * Reads:  s->quote, flow.way. Writes: s->quote, flow.nat64; the packet.
 */
#pragma once

#include "flow/icmp_kind.h"
#include "flow/nat64.h"
#include "icmp/rewrite.h"

/* ---- same IP version: addresses, ports, TTL ---- */

/* Returns the folded one's complement sum of n bytes; n is a multiple of 4, at most 40. The
 * function is not inlined: it is called often, and its copies would exceed the stack. */
static __attribute__((noinline)) __u32 quote_sum(const void *from, __u32 n)
{
	__u64 sum = 0;

#pragma clang loop unroll(disable)
	for (__u32 i = 0; i < 10 && i < n / 4; i++)
		sum += load_word(__u32, from + 4 * i);
	return csum_fold64(sum);
}

INLINE __u32 addr_pair_sum(const struct addr *a, const struct addr *b)
{
	return quote_sum(a, sizeof(*a)) + quote_sum(b, sizeof(*b));
}

/* Restores the quoted UDP header to what the other end of the flow sent. Returns the change of the
 * ICMP message's sum. */
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

/* Rewrites the headers within one IP version. Returns the change of the ICMP message's sum. */
INLINE __u32 flow_quote_same(struct quote *q, const struct flow_way *way)
{
	__u32 new = csum_fold(addr_pair_sum(&way->src, &way->dst));
	__u32 delta = csum_fold((__u16)~csum_fold(addr_pair_sum(&q->src, &q->dst)) + new);
	__u32 outer_delta = csum_fold((__u16)~csum_fold(addr_pair_sum(&q->from, &q->src)) + new);
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

/* ---- other IP version ---- */

/* Builds an IP header for `payload` bytes. inner: the header of the quoted packet, which goes in
 * the opposite direction. */
INLINE void quote_head4(struct iphdr *ip, const struct flow_way *way, const struct ipv6hdr *old,
			__u32 payload, bool inner)
{
	*(__u8 *)ip = 0x45;
	ip->tos = bpf_ntohs(*(__be16 *)old) >> 4;
	ip->tot_len = bpf_htons(sizeof(*ip) + payload);
	ip->id = 0;
	ip->frag_off = inner ? IP_DF : 0;
	ip->ttl = old->hop_limit - !inner;
	ip->protocol = inner ? IPPROTO_UDP : IPPROTO_ICMP;
	ip->check = 0;
	ip->saddr = addr_to4(inner ? way->dst : way->src);
	ip->daddr = addr_to4(inner ? way->src : way->dst);
	ip->check = ~quote_sum(ip, sizeof(*ip));
}

INLINE void quote_head6(struct ipv6hdr *ip, const struct flow_way *way, const struct iphdr *old,
			__u32 payload, bool inner)
{
	*(__be32 *)ip = bpf_htonl(6 << 28 | (__u32)old->tos << 20);
	ip->payload_len = bpf_htons(payload);
	ip->nexthdr = inner ? IPPROTO_UDP : IPPROTO_ICMPV6;
	ip->hop_limit = old->ttl - !inner;
	addr_store(&ip->saddr, inner ? way->dst : way->src);
	addr_store(&ip->daddr, inner ? way->src : way->dst);
}

/* Removes the fragment header of a quoted first fragment, because IPv4's header has these fields
 * itself. Returns the change of the ICMP message's sum. */
INLINE __u32 quote_drop_fragment(const struct quote *q, struct iphdr *ip)
{
	const struct fragment_header *f = (void *)q->fragment;

	if (!f->next)
		return 0;
	ip->tot_len = bpf_htons(bpf_ntohs(ip->tot_len) - sizeof(*f));
	ip->id = bpf_htons(bpf_ntohl(f->id));
	ip->frag_off = bpf_htons((bpf_ntohs(f->offset) & 1) << 13);
	ip->check = 0;
	ip->check = ~quote_sum(ip, sizeof(*ip));
	return (__u16)~quote_sum(f, sizeof(*f));
}

/* Returns the sum of the pseudo header of an ICMPv6 message of len bytes. */
INLINE __u32 quote_pseudo(const struct addr *a, const struct addr *b, __u32 len)
{
	return addr_pair_sum(a, b) + bpf_htons(len) + bpf_htons(IPPROTO_ICMPV6);
}

/* Rewrites all headers in the state to the other IP version, and the ICMP checksum. */
INLINE void flow_quote_change(struct quote *q, struct flow_work *s)
{
	bool to4 = s->way.family == FAMILY_IPV4;
	__u32 rest = s->nat64.payload, delta, sum, word = s->nat64.word;
	__u32 head = to4 ? sizeof(struct iphdr) : sizeof(struct ipv6hdr);
	__u32 message = sizeof(struct icmphdr) + head + rest;
	struct icmphdr *icmp = (void *)q->icmp;
	void *new_inner = s->nat64.inner;

	delta = csum_fold((__u16)~csum_fold(addr_pair_sum(&q->src, &q->dst)) +
			  csum_fold(addr_pair_sum(&s->way.src, &s->way.dst)));
	sum = (__u16)~icmp->checksum + flow_quote_udp(q, &s->way, delta);
	icmp->checksum = 0;
	sum += (__u16)~quote_sum(icmp, sizeof(*icmp));
	if (to4) {
		const struct ipv6hdr *outer = (void *)q->outer, *inner = (void *)q->inner;
		__u32 old = bpf_ntohs(outer->payload_len);

		sum += (__u16)~csum_fold(quote_pseudo(&q->from, &q->src, old)) +
		       (__u16)~quote_sum(inner, sizeof(*inner));
		quote_head4((void *)s->nat64.bytes, &s->way, outer, message, false);
		quote_head4(new_inner, &s->way, inner, bpf_ntohs(inner->payload_len), true);
		sum += quote_drop_fragment(q, new_inner);
		sum += quote_sum(new_inner, sizeof(struct iphdr));
	} else {
		const struct iphdr *outer = (void *)q->outer, *inner = (void *)q->inner;

		sum += (__u16)~quote_sum(inner, sizeof(*inner));
		quote_head6((void *)s->nat64.bytes, &s->way, outer, message, false);
		quote_head6(new_inner, &s->way, inner, bpf_ntohs(inner->tot_len) - sizeof(*inner),
			    true);
		sum += quote_sum(new_inner, sizeof(struct ipv6hdr)) +
		       csum_fold(quote_pseudo(&s->way.src, &s->way.dst, message));
	}
	icmp->type = s->nat64.kind >> 8;
	icmp->code = s->nat64.kind;
	icmp->un.gateway = bpf_htonl(word);
	sum += quote_sum(icmp, sizeof(*icmp));
	icmp->checksum = ~csum_fold(sum);
}

/* ---- steps ---- */

/* Finds the type and code that an ICMP error gets in the other IP version. Returns 0, or a reason
 * if it cannot be translated; quoted IPv4 options have no equivalent in IPv6. */
INLINE int flow_quote_kind_step(struct pkt *p)
{
	struct flow_nat64 *a = &p->s->flow.nat64;
	const struct quote *q = &p->s->quote;
	bool ipv4 = p->s->family == FAMILY_IPV4;
	__u32 word = bpf_ntohl(load_word(__be32, q->icmp + 4));

	if (ipv4 && q->inner[0] != 0x45)
		return -DROP_untranslatable;
	a->kind = ipv4 ? icmp_to6(p, q->icmp[0], q->icmp[1], word, &a->word) :
			 icmp_to4(p, q->icmp[0], q->icmp[1], word, &a->word);
	return a->kind ? 0 : -DROP_untranslatable;
}
CALLED_STEP(with_flows, flow_quote_kind)

/* Builds all headers. It is split in two steps, because one would exceed the stack. */
INLINE int flow_quote_prepare_step(struct pkt_state *state)
{
	struct quote *q = &state->quote;
	struct icmphdr *icmp = (void *)q->icmp;
	__u32 change = flow_quote_same(q, &state->flow.way);

	icmp->checksum = csum_add(icmp->checksum, csum_fold(change));
	return 0;
}
STATE_STEP(with_flows, flow_quote_prepare)

INLINE int flow_quote_nat64_step(struct pkt_state *state)
{
	flow_quote_change(&state->quote, &state->flow);
	return 0;
}
STATE_STEP(with_flows, flow_quote_nat64)

/* Writes the EtherType, which no checksum of the skb covers. */
INLINE int quote_write_type(struct pkt *p, __be16 type)
{
	__u32 off = p->s->l3 - sizeof(type);

	if (!p->s->l3)
		return 0;
#ifndef WGXDP_HOST
	if (p->plane == PLANE_TC)
		return bpf_skb_store_bytes(p->ctx, off, &type, sizeof(type), 0);
#endif
	return plane_write(p, off, &type, sizeof(type));
}

/* Writes the headers to the packet. Returns 0 or a negative value. */
INLINE int flow_quote_write_step(struct pkt *p)
{
	struct quote *q = &p->s->quote;
	struct flow_nat64 *a = &p->s->flow.nat64;
	bool to4 = p->s->leaves == FAMILY_IPV4;
	__u32 head = to4 ? sizeof(struct iphdr) : sizeof(struct ipv6hdr), l3 = p->s->l3;
	__u32 inner = l3 + head + sizeof(struct icmphdr);

	if (!is_nat64(p))
		return quote_store(p);
	if (quote_write_type(p, to4 ? bpf_htons(ETH_P_IP) : bpf_htons(ETH_P_IPV6)) ||
	    plane_write(p, l3 + head, q->icmp, sizeof(q->icmp)) ||
	    plane_write(p, inner + head, q->udp, sizeof(q->udp)))
		return -1;
	if (to4)
		return plane_write(p, l3, a->bytes, sizeof(struct iphdr)) ?:
		       plane_write(p, inner, a->inner, sizeof(struct iphdr));
	return plane_write(p, l3, a->bytes, sizeof(struct ipv6hdr)) ?:
	       plane_write(p, inner, a->inner, sizeof(struct ipv6hdr));
}
CALLED_STEP(with_flows, flow_quote_write)
