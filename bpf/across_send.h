/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What each plane does to a packet that leaves in the other family, once there is room for its header; and the UDP checksum that IPv4
 * may lack and IPv6 may not.
 */
#ifndef WGXDP_ACROSS_SEND_H
#define WGXDP_ACROSS_SEND_H

#include "across.h"

/* ---- the checksum that IPv4 had not ---- */

static long sum_some_xdp(__u32 i, void **ctx)
{
	return sum_some(*ctx, PLANE_XDP);
}

/* Of the datagram at l4, whose ports are as they leave and whose checksum is 0; 0 or negative */
INLINE int across_checksum(void *ctx, enum plane plane, __u32 l4)
{
	__u32 zero = 0, at = l4 + offsetof(struct udphdr, check);
	struct pieces *c = bpf_map_lookup_elem(&pieces, &zero);
	struct flow_scratch *s = flow_scratch_find();
	__be16 len = 0;
	__u64 sum;
	__sum16 check;

	if (!c || !s || plane_write(ctx, plane, l4, &s->way.sport, 2 * sizeof(__be16)) ||
	    plane_read(ctx, plane, l4 + offsetof(struct udphdr, len), &len, sizeof(len)))
		return -1;
	c->l3 = l4;
	c->rest = bpf_ntohs(len);
	c->sum = 0;
	if (plane == PLANE_XDP)
		bpf_loop(PIECES_LEN / SUM_BYTES, sum_some_xdp, &ctx, 0);
	else
		bpf_loop(PIECES_LEN / SUM_BYTES, sum_some_tc, &ctx, 0);
	if (c->rest)
		return -1;
	sum = c->sum + addr_sum(&s->way.src) + addr_sum(&s->way.dst) + len + bpf_htons(IPPROTO_UDP);
	check = ~csum_fold64(sum);
	check = check ?: 0xffff;
	return plane_write(ctx, plane, at, &check, sizeof(check));
}

/* ---- the planes ---- */

/* What ports change in a checksum */
INLINE __u32 across_ports(const struct flow_scratch *s)
{
	return (__u16)~s->key.sport + s->way.sport + (__u16)~s->key.dport + s->way.dport;
}

INLINE bool across_sums(const struct flow_scratch *s)
{
	return s->way.family == FAMILY_IPV6 && s->across.no_checksum;
}

#if defined(WGXDP_HOST)
INLINE int host_across(struct pkt *p)
{
	struct flow_scratch *s = p->way;
	struct udphdr *udp = at(p, p->l4, sizeof(*udp));
	__be16 type = p->leaves == FAMILY_IPV4 ? bpf_htons(ETH_P_IP) : bpf_htons(ETH_P_IPV6);

	if (across_head(p->ctx, p->plane, p->l3))
		return -1;
	if (p->l3)
		memcpy(p->data + p->l3 - sizeof(type), &type, sizeof(type));
	if (is_later(p))
		return 0;
	if (across_sums(s))
		return across_checksum(p->ctx, p->plane, p->l4);
	udp->source = s->way.sport;
	udp->dest = s->way.dport;
	if (udp->check)
		udp->check = csum_add_udp(udp->check, s->way.delta + across_ports(s));
	return 0;
}
#else
/* Where it lies, for a helper that writes it costs as much as all else that is done here; else, and with a fragment header, as others */
__attribute__((noinline)) int xdp_across_head(struct xdp_md *ctx, __u32 l3)
{
	struct flow_scratch *s = flow_scratch_find();
	void *head = ctx_ptr(ctx, data) + within(l3, 5);

	opaque(head);
	if (!s || s->across.head > sizeof(struct ipv6hdr) || head + sizeof(struct ipv6hdr) > ctx_ptr(ctx, data_end))
		return across_head(ctx, PLANE_XDP, l3);
	if (s->way.family == FAMILY_IPV4)
		across_head4(s, head);
	else
		across_head6(s, head);
	return 0;
}

__attribute__((noinline)) int xdp_across_sum(struct xdp_md *ctx, __u32 l4)
{
	return across_checksum(ctx, PLANE_XDP, l4);
}

__attribute__((noinline)) int tc_across_sum(struct __sk_buff *ctx, __u32 l4)
{
	return across_checksum(ctx, PLANE_TC, l4);
}

/* Header, Ethernet header, ports and checksum; the skb's own sum (CHECKSUM_COMPLETE) knows no Ethernet header, all else is kept
 * in it by helpers (see tc_rewrite_checksum) */
__attribute__((noinline)) int tc_across_all(struct __sk_buff *ctx, __u32 l3, __u32 l4)
{
	struct flow_scratch *s = flow_scratch_find();
	__u32 check = l4 + offsetof(struct udphdr, check);
	__be16 type;

	if (!s || across_head(ctx, PLANE_TC, l3))
		return -1;
	type = s->way.family == FAMILY_IPV4 ? bpf_htons(ETH_P_IP) : bpf_htons(ETH_P_IPV6);
	if (l3 && bpf_skb_store_bytes(ctx, l3 - sizeof(type), &type, sizeof(type), 0))
		return -1;
	if (s->across.fragment > 1)
		return 0;			/* a later piece has no UDP header */
	if (across_sums(s))
		return 1;
	if (bpf_skb_store_bytes(ctx, l4, &s->way.sport, 2 * sizeof(__be16), s->across.no_checksum ? BPF_F_RECOMPUTE_CSUM : 0))
		return -1;
	if (s->across.no_checksum)
		return 0;
	return bpf_l4_csum_replace(ctx, check, 0, s->way.delta, BPF_F_MARK_MANGLED_0 | BPF_F_PSEUDO_HDR) ||
	       bpf_l4_csum_replace(ctx, check, 0, across_ports(s), BPF_F_MARK_MANGLED_0) ? -1 : 0;
}

INLINE int xdp_across(struct pkt *p)
{
	struct flow_scratch *s = p->way;
	__be16 *type = at(p, within(p->l3 - sizeof(*type), 5), sizeof(*type));
	struct udphdr *udp;

	if (!type || xdp_across_head(p->ctx, p->l3))
		return -1;
	*type = p->leaves == FAMILY_IPV4 ? bpf_htons(ETH_P_IP) : bpf_htons(ETH_P_IPV6);
	if (is_later(p))
		return 0;
	if (across_sums(s))
		return xdp_across_sum(p->ctx, p->l4);
	udp = at(p, within(p->l4, 12), sizeof(*udp));
	if (!udp)
		return -1;
	udp->source = s->way.sport;
	udp->dest = s->way.dport;
	if (p->checksum)
		udp->check = csum_add_udp(udp->check, s->way.delta + across_ports(s));
	return 0;
}

INLINE int tc_across(struct pkt *p)
{
	int rc = tc_across_all(p->ctx, p->l3, p->l4);

	return rc > 0 ? tc_across_sum(p->ctx, p->l4) : rc;
}
#endif

#endif
