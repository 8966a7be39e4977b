/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * ICMP errors about packets of flows: outside from our address and to the flow's other end, inside the packet as that end sent it; in the
 * other family by the tables of RFC 7915 4.2 and 5.2. Global functions, as in icmp.h.
 */
#ifndef WGXDP_FLOW_QUOTE_H
#define WGXDP_FLOW_QUOTE_H

#include "flow_heads.h"
#include "icmp_kind.h"

/* ---- the packet ---- */

/* Of an error that leaves in the other family, whether and as what: 0 or a reason. IPv4 options in the quote have no place there. */
__attribute__((noinline)) int flow_quote_kind(__u32 family)
{
	struct flow_scratch *s = flow_scratch_find();
	__u32 zero = 0, kind, word, new_word = 0;
	const struct quote *q = bpf_map_lookup_elem(&quotes, &zero);

	if (!s || !q || (family == FAMILY_IPV4 && q->inner[0] != 0x45))
		return -DROP_untranslatable;
	word = bpf_ntohl(load_word(__be32, q->icmp + 4));
	kind = family == FAMILY_IPV4 ? icmp_to6(q->icmp[0], q->icmp[1], word, &new_word) : icmp_to4(q->icmp[0], q->icmp[1], word, &new_word);
	if (kind == ICMP_KIND(ICMP_DEST_UNREACH, ICMP_FRAG_NEEDED) && q->fragment[0])
		new_word -= sizeof(struct fragment_header);	/* what comes in pieces has that on top when it leaves */
	s->across.kind = kind;
	s->across.word = new_word;
	return kind ? 0 : -DROP_untranslatable;
}

/* All headers as they leave, in the maps; two functions, for one would have no room on the stack. 0 or negative */
__attribute__((noinline)) int flow_quote_prepare(void)
{
	struct flow_scratch *s = flow_scratch_find();
	__u32 zero = 0;
	struct quote *q = bpf_map_lookup_elem(&quotes, &zero);
	struct icmphdr *icmp;

	if (!s || !q)
		return -1;
	icmp = (void *)q->icmp;
	icmp->checksum = csum_add(icmp->checksum, csum_fold(flow_quote_same(q, &s->way)));
	return 0;
}

__attribute__((noinline)) int flow_quote_prepare_across(void)
{
	struct flow_scratch *s = flow_scratch_find();
	__u32 zero = 0;
	struct quote *q = bpf_map_lookup_elem(&quotes, &zero);

	if (!s || !q)
		return -1;
	flow_quote_change(q, s);
	return 0;
}

/* Where the Ethernet header says what follows: in no sum of the packet's */
INLINE int plane_write_type(void *ctx, enum plane plane, __u32 l3, __be16 type)
{
	if (!l3)
		return 0;
#ifdef WGXDP_HOST
	return plane_write(ctx, plane, l3 - sizeof(type), &type, sizeof(type));
#else
	return plane == PLANE_XDP ? bpf_xdp_store_bytes(ctx, l3 - sizeof(type), &type, sizeof(type)) :
				    bpf_skb_store_bytes(ctx, l3 - sizeof(type), &type, sizeof(type), 0);
#endif
}

INLINE int flow_quote_write_across(void *ctx, enum plane plane, __u32 l3, struct quote *q, struct flow_scratch *s)
{
	bool to4 = s->way.family == FAMILY_IPV4;
	__u32 head = to4 ? sizeof(struct iphdr) : sizeof(struct ipv6hdr), inner = l3 + head + sizeof(struct icmphdr);

	if (plane_write_type(ctx, plane, l3, to4 ? bpf_htons(ETH_P_IP) : bpf_htons(ETH_P_IPV6)) ||
	    plane_write(ctx, plane, l3 + head, q->icmp, sizeof(q->icmp)) ||
	    plane_write(ctx, plane, inner + head, q->udp, sizeof(q->udp)))
		return -1;
	if (to4)
		return plane_write(ctx, plane, l3, s->across.bytes, sizeof(struct iphdr)) ?:
		       plane_write(ctx, plane, inner, s->across.inner, sizeof(struct iphdr));
	return plane_write(ctx, plane, l3, s->across.bytes, sizeof(struct ipv6hdr)) ?:
	       plane_write(ctx, plane, inner, s->across.inner, sizeof(struct ipv6hdr));
}

/* As quote_write() */
INLINE int flow_quote_write(void *ctx, enum plane plane, __u32 l3, __u32 family)
{
	__u32 zero = 0;
	struct quote *q = bpf_map_lookup_elem(&quotes, &zero);
	struct flow_scratch *s = flow_scratch_find();

	if (!q || !s)
		return -1;
	if (s->way.family != family)
		return flow_quote_write_across(ctx, plane, l3, q, s);
	return quote_store(ctx, plane, q, l3, family);
}

#ifdef WGXDP_HOST
INLINE int host_flow_quote(struct pkt *p)
{
	return flow_quote_write(p->ctx, p->plane, p->l3, p->family);
}
#else
__attribute__((noinline)) int xdp_flow_quote_write(struct xdp_md *ctx, __u32 l3, __u32 family)
{
	return flow_quote_write(ctx, PLANE_XDP, l3, family);
}

__attribute__((noinline)) int tc_flow_quote_write(struct __sk_buff *ctx, __u32 l3, __u32 family)
{
	return flow_quote_write(ctx, PLANE_TC, l3, family);
}

INLINE int xdp_flow_quote(struct pkt *p)
{
	return xdp_flow_quote_write(p->ctx, p->l3, p->family);
}

INLINE int tc_flow_quote(struct pkt *p)
{
	return tc_flow_quote_write(p->ctx, p->l3, p->family);
}
#endif

#endif
