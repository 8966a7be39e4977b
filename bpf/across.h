/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * From IPv4 to IPv6 and back (RFC 7915): what the other header will say is read while the packet is as it came, make_room puts the
 * space for it where the old one was, and a global function of each plane writes it. What is behind it stays where it lies.
 */
#ifndef WGXDP_ACROSS_H
#define WGXDP_ACROSS_H

#include "cut.h"
#include "fragment.h"

#define DF_ABOVE 1260			/* RFC 7915 5.1: what is longer must not be cut; an IPv6 link carries 1280 */

INLINE struct flow_scratch *flow_scratch_find(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&flow_scratch, &zero);
}

/* Before resolve, which is to compare the length that it will have. Options and extension headers are left behind. */
INLINE void across_begin(struct pkt *p, struct flow_scratch *s)
{
	__u64 to6 = is_zero(p->leaves ^ FAMILY_IPV6), whole = is_zero(fragment_offset(p));
	__u64 payload, head = sizeof(struct iphdr);

	if (p->quote) {				/* headers up to the quoted UDP header */
		p->l4 = p->l3 + ((p->quote->udp_at - p->quote->ip_at) & 0x7ff);
		head += head + sizeof(struct icmphdr) + to6 * (sizeof(struct ipv6hdr) - sizeof(struct iphdr));
	}
	payload = p->len - (p->l4 - p->l3);
	head += to6 * (sizeof(struct ipv6hdr) - sizeof(struct iphdr)) + (to6 & (1 - whole)) * sizeof(struct fragment_header);
	s->across.fragment = fragment_offset(p);
	s->across.payload = payload;
	s->across.head = head;
	s->across.tos = p->tos;
	s->across.ttl = p->ttl - 1;
	s->across.no_checksum = is_zero(p->checksum);
	p->segment_len += (1 - is_zero(p->leaves ^ p->family)) * (head + payload - p->segment_len);
}

/* 0, or why it may not leave in the other family */
INLINE int across_admits(const struct pkt *p)
{
	if (p->segments > 1)
		return -DROP_gso_family;
	return p->family == FAMILY_IPV4 && fragment_offset(p) == 1 && !p->checksum ? -DROP_fragment_checksum : 0;
}

/* ---- headers ---- */

/* As in struct fragment_key, which was made for this packet just now; 0: it is no fragment */
INLINE __be32 across_ident(const struct flow_across *a)
{
	__u32 zero = 0;
	const struct fragment_scratch *f = a->fragment ? bpf_map_lookup_elem(&frag_scratch, &zero) : NULL;

	return f ? f->key.id : 0;
}

INLINE void across_head4(struct flow_scratch *s, struct iphdr *ip)
{
	const struct flow_across *a = &s->across;
	__u32 ident = across_ident(a), sum = 0, len = sizeof(*ip) + a->payload;
	__u16 offset = a->fragment >> 3 | (a->fragment & 1) << 13;

	/* field by field: a literal would be made on the stack */
	*(__u8 *)ip = 0x45;
	ip->tos = a->tos;
	ip->tot_len = bpf_htons(len);
	ip->id = bpf_htons(bpf_ntohl(ident));
	ip->frag_off = bpf_htons(offset);
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

INLINE void across_head6(struct flow_scratch *s, struct ipv6hdr *ip)
{
	const struct flow_across *a = &s->across;
	__u32 extra = a->head - sizeof(*ip);

	*(__be32 *)ip = bpf_htonl(6 << 28 | (__u32)a->tos << 20);
	ip->payload_len = bpf_htons(a->payload + extra);
	ip->nexthdr = extra ? IPPROTO_FRAGMENT : IPPROTO_UDP;
	ip->hop_limit = a->ttl;
	addr_store(&ip->saddr, s->way.src);
	addr_store(&ip->daddr, s->way.dst);
}

/* 16 bits of IPv4 as they stand in its header's first half of a word */
INLINE void across_fragment(const struct flow_across *a, struct fragment_header *f)
{
	f->next = IPPROTO_UDP;
	f->zero = 0;
	f->offset = bpf_htons(a->fragment);
	f->id = bpf_htonl(bpf_ntohl(across_ident(a)) >> 16);
}

/* The header: from l3 on there is room for it. 0 or negative */
INLINE int across_head(void *ctx, enum plane plane, __u32 l3)
{
	struct flow_scratch *s = flow_scratch_find();
	bool ipv4 = s && s->way.family == FAMILY_IPV4;
	int rc;

	if (!s)
		return -1;
	if (ipv4) {
		across_head4(s, (void *)s->across.bytes);
		rc = plane_write(ctx, plane, l3, s->across.bytes, sizeof(struct iphdr));
	} else {
		across_head6(s, (void *)s->across.bytes);
		across_fragment(&s->across, (void *)(s->across.bytes + sizeof(struct ipv6hdr)));
		rc = plane_write(ctx, plane, l3, s->across.bytes, sizeof(struct ipv6hdr));
		if (!rc && s->across.head > sizeof(struct ipv6hdr))
			rc = plane_write(ctx, plane, l3 + sizeof(struct ipv6hdr), s->across.bytes + sizeof(struct ipv6hdr),
					 sizeof(struct fragment_header));
	}
	return rc;
}

#endif
