/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Translation between IPv4 and IPv6 (RFC 7915), in the steps flow_way() and leave(). nat64_begin()
 * stores the fields of the new header while the packet is still unchanged. make_room() of the plane
 * then resizes the space in front of the payload, and nat64_write() writes the new header there.
 * The payload does not move. If an IPv4 packet has no UDP checksum, one is computed, because IPv6
 * requires it.
 *
 * Runs after flow_way() (flow.h) chose the family. Then resolve(), or the plane's send in leave().
 * Reads:  s->flow.way, fragment, len, tos, ttl, checksum.
 * Writes: s->flow.nat64, l4, segment_len; in leave the packet.
 */
#pragma once

#include "fragment/too_big.h"
#include "icmp/icmp.h"
#include "step.h"

/* Longer packets get DF when they become IPv4 (RFC 7915 section 5.1), in bytes. Shorter ones fit
 * the MTU of any IPv6 link (1280). */
#define DF_ABOVE 1260

/* Prepares the translation. Runs before resolve(), which compares the length after translation with
 * the MTU. Options and extension headers are not translated. */
INLINE void nat64_begin(struct pkt *p)
{
	bool to6 = p->s->leaves == FAMILY_IPV6;
	struct flow_nat64 *a = &p->s->flow.nat64;
	__u32 head = to6 ? sizeof(struct ipv6hdr) : sizeof(struct iphdr);

	if (p->s->is_quote) {	/* for an error, `head` includes the quoted headers before UDP */
		p->s->l4 = p->s->l3 + ((p->s->quote.udp_at - p->s->quote.ip_at) & 0x7ff);
		head += head + sizeof(struct icmphdr);
	}
	if (to6 && p->s->fragment)
		head += sizeof(struct fragment_header);
	a->fragment = fragment_offset(p);
	a->payload = p->s->len - (p->s->l4 - p->s->l3);
	a->head = head;
	a->tos = p->s->tos;
	a->ttl = p->s->ttl - 1;
	a->no_checksum = !p->s->checksum;
	/* This is the length of a segment if the packet is one of GSO. */
	if (p->s->leaves != p->s->family)
		p->s->segment_len += head - (p->s->l4 - p->s->l3);
}

/* Returns 0, or the reason why the packet cannot be translated. */
INLINE int nat64_admits(const struct pkt *p)
{
	if (p->s->segments > 1)
		return -DROP_gso_family;
	return p->s->family == FAMILY_IPV4 && fragment_offset(p) == 1 && !p->s->checksum ?
	       -DROP_fragment_checksum : 0;
}

/* ---- headers ---- */

/* Returns the identification of a fragment, which parse() has stored; 0: the packet is whole. */
INLINE __be32 nat64_ident(const struct pkt *p)
{
	return p->s->flow.nat64.fragment ? p->s->datagram : 0;
}

INLINE void nat64_head4(const struct pkt *p, struct iphdr *ip)
{
	const struct flow_work *s = &p->s->flow;
	const struct flow_nat64 *a = &s->nat64;
	__u32 sum = 0, len = sizeof(*ip) + a->payload;

	*(__u8 *)ip = 0x45;
	ip->tos = a->tos;
	ip->tot_len = bpf_htons(len);
	ip->id = bpf_htons(bpf_ntohl(nat64_ident(p)));
	ip->frag_off = bpf_htons(a->fragment >> 3 | (a->fragment & 1) << 13);
	ip->ttl = a->ttl;
	ip->protocol = IPPROTO_UDP;
	ip->check = 0;
	ip->saddr = addr_to4(s->way.src);
	ip->daddr = addr_to4(s->way.dst);
	if (!a->fragment && len > DF_ABOVE)
		ip->frag_off = IP_DF;
	else if (!a->fragment)
		ip->id = bpf_get_prandom_u32();
#pragma unroll
	for (int i = 0; i < 10; i++)
		sum += ((__u16 *)ip)[i];
	ip->check = ~csum_fold(sum);
}

INLINE void nat64_head6(const struct pkt *p, struct ipv6hdr *ip)
{
	const struct flow_nat64 *a = &p->s->flow.nat64;
	__u32 extra = a->head - sizeof(*ip);

	*(__be32 *)ip = bpf_htonl(6 << 28 | (__u32)a->tos << 20);
	ip->payload_len = bpf_htons(a->payload + extra);
	ip->nexthdr = extra ? IPPROTO_FRAGMENT : IPPROTO_UDP;
	ip->hop_limit = a->ttl;
	addr_store(&ip->saddr, p->s->flow.way.src);
	addr_store(&ip->daddr, p->s->flow.way.dst);
}

INLINE void nat64_fragment(const struct pkt *p, struct fragment_header *f)
{
	f->next = IPPROTO_UDP;
	f->zero = 0;
	f->offset = bpf_htons(p->s->flow.nat64.fragment);
	/* IPv4's 16-bit identification is in the upper half of the word. */
	f->id = bpf_htonl(bpf_ntohl(nat64_ident(p)) >> 16);
}

/* Writes the new header at l3. Returns 0 or a negative value. XDP writes it in place if possible,
 * because a helper call costs as much as the rest of the translation. */
INLINE int nat64_head(struct pkt *p)
{
	struct flow_work *s = &p->s->flow;
	bool to4 = s->way.family == FAMILY_IPV4;
	bool in_place = s->nat64.head <= sizeof(struct ipv6hdr);
	void *head = p->plane == PLANE_XDP && in_place ?
			     at(p, p->s->l3, sizeof(struct ipv6hdr)) : NULL;
	__u32 n = to4 ? sizeof(struct iphdr) : s->nat64.head;
	void *to = head ?: s->nat64.bytes;

	if (to4) {
		nat64_head4(p, to);
	} else {
		nat64_head6(p, to);
		if (!in_place)
			nat64_fragment(p, to + sizeof(struct ipv6hdr));
	}
	return head ? 0 : plane_write(p, p->s->l3, s->nat64.bytes, bounded(n, 64));
}

/* ---- UDP checksum, if the IPv4 packet had none ---- */

/* Computes the UDP checksum of the datagram at l4, whose checksum is 0, and writes its ports.
 * Returns 0 or a negative value. */
INLINE int nat64_checksum_step(struct pkt *p)
{
	const struct flow_way *way = &p->s->flow.way;
	__u32 l4 = p->s->l4;
	__be16 len = 0;
	__sum16 check;
	__u64 sum;

	if (plane_write(p, l4, &way->sport, 2 * sizeof(__be16)) ||
	    plane_read(p, l4 + offsetof(struct udphdr, len), &len, sizeof(len)))
		return -1;
	sum = addr_sum(&way->src) + addr_sum(&way->dst) + len + bpf_htons(IPPROTO_UDP);
	if (sum_bytes(p, l4, bpf_ntohs(len), &sum))
		return -1;
	check = ~csum_fold64(sum);
	check = check ?: 0xffff;
	return plane_write(p, l4 + offsetof(struct udphdr, check), &check, sizeof(check));
}
CALLED_STEP(with_flows, nat64_checksum)

/* ---- the packet ---- */

/* Returns the change of a checksum when the new ports are written. */
INLINE __u32 nat64_ports(const struct flow_work *s)
{
	return (__u16)~s->key.sport + s->way.sport + (__u16)~s->key.dport + s->way.dport;
}

#ifndef WGXDP_HOST
/* Writes the packet on tc, with helpers that keep the skb's own checksum correct (see
 * tc_rewrite_checksum()), which does not cover the Ethernet header. */
INLINE int nat64_by_helpers(struct pkt *p, __be16 type)
{
	const struct flow_work *s = &p->s->flow;
	__u32 l3 = p->s->l3, l4 = p->s->l4, check = l4 + offsetof(struct udphdr, check);
	bool no_checksum = s->nat64.no_checksum;

	if (nat64_head(p))
		return -1;
	if (l3 && bpf_skb_store_bytes(p->ctx, l3 - sizeof(type), &type, sizeof(type), 0))
		return -1;
	if (is_later(p))
		return 0;
	if (no_checksum && s->way.family == FAMILY_IPV6)
		return 1;
	if (bpf_skb_store_bytes(p->ctx, l4, &s->way.sport, 2 * sizeof(__be16),
				no_checksum ? BPF_F_RECOMPUTE_CSUM : 0))
		return -1;
	if (no_checksum)
		return 0;
	return bpf_l4_csum_replace(p->ctx, check, 0, s->way.delta,
				   BPF_F_MARK_MANGLED_0 | BPF_F_PSEUDO_HDR) ||
	       bpf_l4_csum_replace(p->ctx, check, 0, nat64_ports(s), BPF_F_MARK_MANGLED_0) ?
		       -1 : 0;
}
#endif

/* Writes IP header, EtherType, ports and UDP checksum. Returns 0, a negative value, or 1 if
 * nat64_checksum() must write ports and checksum. */
INLINE int nat64_write_step(struct pkt *p)
{
	const struct flow_work *s = &p->s->flow;
	__be16 type = p->s->leaves == FAMILY_IPV4 ? bpf_htons(ETH_P_IP) : bpf_htons(ETH_P_IPV6);
	struct udphdr *udp;
	__be16 *to;

#ifndef WGXDP_HOST
	if (p->plane == PLANE_TC)
		return nat64_by_helpers(p, type);
#endif
	if (nat64_head(p))
		return -1;
	if (p->s->l3) {
		to = at(p, p->s->l3 - sizeof(type), sizeof(type));
		if (!to)
			return -1;
		*to = type;
	}
	if (is_later(p))
		return 0;
	if (s->nat64.no_checksum && s->way.family == FAMILY_IPV6)
		return 1;
	udp = at(p, p->s->l4, sizeof(*udp));
	if (!udp)
		return -1;
	udp->source = s->way.sport;
	udp->dest = s->way.dport;
	if (udp->check)
		udp->check = csum_add_udp(udp->check, s->way.delta + nat64_ports(s));
	return 0;
}
CALLED_STEP(with_flows, nat64_write)
