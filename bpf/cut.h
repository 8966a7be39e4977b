/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * cut: IPv4 without DF that is longer than the MTU of the way out leaves in pieces, as from any router (RFC 791 3.2), as IPv6 too (RFC 7915
 * 4.1), on the tc plane alone: whether (cut_fits, in resolve), and, once it is rewritten, all pieces but the last (cut_pieces), which is left in its place
 * and sent like a packet that was not cut.
 */
#ifndef WGXDP_CUT_H
#define WGXDP_CUT_H

#include "pieces.h"
#include "piece_sum.h"

#define IP_DF bpf_htons(0x4000)
#define FITS 1
enum cut_flags {
	CUT_REPORTS = 1,		/* df: report */
	CUT_AS_IPV6 = 2,		/* it leaves as IPv6 */
};
#ifdef WGXDP_HOST
#define bpf_check_mtu(ctx, ifindex, mtu, more, flags) 1
#endif

INLINE bool without_df(const struct pkt *p)
{
	const struct iphdr *ip = at(p, p->l3, sizeof(*ip));

	return p->family == FAMILY_IPV4 && ip && !(ip->frag_off & IP_DF);
}

static long sum_some_tc(__u32 i, void **ctx)
{
	return sum_some(*ctx, PLANE_TC);
}

/* Whether these bytes and the pseudo header make a right checksum */
INLINE bool sums_up(void *ctx, __u32 off, __u32 len, __u64 pseudo)
{
	__u32 zero = 0;
	struct pieces *c = bpf_map_lookup_elem(&pieces, &zero);

	if (!c)
		return false;
	c->l3 = off;
	c->rest = len;
	c->sum = pseudo;
	bpf_loop(PIECES_LEN / SUM_BYTES, sum_some_tc, &ctx, 0);
	return !c->rest && csum_compare(0, c->sum) <= CSUM_SAME;
}

/* A checksum of the pseudo header alone, which somebody is to complete; a whole one may by chance be the same number */
INLINE bool cut_partial(void *ctx, const struct iphdr *ip, __u32 l4, const struct udphdr *udp)
{
	__u64 pseudo = csum_pseudo4(ip->saddr, ip->daddr) + udp->len + bpf_htons(IPPROTO_UDP);

	return udp->check && csum_compare(udp->check, pseudo) <= CSUM_SAME && !sums_up(ctx, l4, bpf_ntohs(udp->len), pseudo);
}

/* Of the packet at l3: how many bytes are to follow each IP header if it is cut for this MTU; FITS where it need not be; or 0.
 * Segments of a GSO packet have a UDP header each, and their length is right as parse has it; but those of UFO, which a virtual
 * machine may send, are fragments, and the kernel knows. What would need a new checksum first (partial ones, segments) and what
 * has no room in the stash is not cut, but its sender told, as with `df: report`. What is a fragment already, or an error about a
 * packet, is always cut: who made it would not do otherwise if he was told. */
INLINE int cut_plan(void *ctx, __u32 gso_size, __u32 l3, __u32 ifindex, __u32 mtu, __u32 flags)
{
	struct iphdr ip = {};
	struct udphdr udp = {};
	__u32 header, len, device_mtu = 0, zero = 0;
	struct pieces *c = bpf_map_lookup_elem(&pieces, &zero);

	if (!c || (gso_size && flags & CUT_AS_IPV6))
		return 0;
	if (gso_size)
		return !bpf_check_mtu(ctx, ifindex, &device_mtu, 0, BPF_MTU_CHK_SEGS) && device_mtu <= mtu ? FITS : 0;
	if (plane_read(ctx, PLANE_TC, l3, &ip, sizeof(ip)) || ip.version != 4 || ip.frag_off & IP_DF)
		return 0;
	header = ip.ihl * 4;
	len = bpf_ntohs(ip.tot_len) - header;
	c->ident = bpf_htonl(bpf_ntohs(ip.id));
	if (len > PIECES_LEN)
		return 0;
	if (ip.protocol == IPPROTO_UDP && !(ip.frag_off & bpf_htons(0x3fff)) &&
	    (flags & CUT_REPORTS || plane_read(ctx, PLANE_TC, l3 + header, &udp, sizeof(udp)) || cut_partial(ctx, &ip, l3 + header, &udp)))
		return 0;
	if (flags & CUT_AS_IPV6)
		header = sizeof(struct ipv6hdr) + sizeof(struct fragment_header);
	if (mtu < header + 8 || mtu > 0xffff)
		return 0;
	mtu = (mtu - header) / 8 * 8;
	return mtu < PIECE_MAX ? mtu : PIECE_MAX;
}

#ifdef WGXDP_HOST
INLINE int tc_cut_plan(struct host_packet *ctx, __u32 l3, __u32 ifindex, __u32 mtu, __u32 flags)
{
	return cut_plan(ctx, ctx->gso_size, l3, ifindex, mtu, flags);
}
#else
__attribute__((noinline)) int tc_cut_plan(struct __sk_buff *ctx, __u32 l3, __u32 ifindex, __u32 mtu, __u32 flags)
{
	return cut_plan(ctx, ctx->gso_size, l3, ifindex, mtu, flags);
}
#endif

/* Whether what is too long may go all the same */
INLINE bool cut_fits(struct pkt *p, const struct nexthop *nexthop)
{
	__u32 flags = p->service->flags & SERVICE_DF_REPORT ? CUT_REPORTS : 0;
	int step;

	if (p->plane != PLANE_TC || (is_across(p) && p->quote))
		return false;
	if (is_across(p))
		flags |= CUT_AS_IPV6;
	step = tc_cut_plan(p->ctx, p->l3, nexthop->fib.ifindex, nexthop->fib.mtu_result, flags);
	p->step = step & 0xfff8;
	return step > 0;
}

/* Before send: all pieces but the last leave. Clones cannot wait for a neighbour: where it is not resolved, the first piece goes
 * through the kernel, which so asks, and the packet counts as dropped. */
INLINE int cut_pieces(struct pkt *p, const struct nexthop *nexthop)
{
	bool first_alone = false;
	struct ethhdr *eth;

	if (!p->step)
		return 0;
	if (!(nexthop->egress & LINK_L3)) {
		first_alone = !load_word(__u32, nexthop->fib.dmac) && !load_word(__u16, nexthop->fib.dmac + 4);
		tc_reload(p);		/* the checksum helpers ended the old pointers */
		eth = at(p, 0, sizeof(*eth));
		if (!eth)
			return -DROP_send_failed;
		eth->h_proto = is_across(p) ? bpf_htons(ETH_P_IPV6) : bpf_htons(ETH_P_IP);
		if (!first_alone)
			eth_write(eth, &nexthop->fib);
	}
	if (tc_cut(p->ctx, p->l3, p->step, nexthop->fib.ifindex, first_alone))
		return -DROP_send_failed;
	return first_alone ? -DROP_pieces_unresolved : 0;
}

#endif
