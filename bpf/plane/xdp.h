/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The xdp plane, on nics, which sees a packet first. Until it sends a packet, it leaves the packet
 * unchanged. So tc can run the whole pipeline on what XDP passes up. plane.h describes these
 * functions.
 */
#pragma once

#include "csum.h"
#include "plane/vlan.h"

#define xdp_protocol(p) 0
#define xdp_load(p) 0
#define xdp_reach(p) 0			/* XDP cannot make more bytes linear */
#define xdp_hop_checksum(p)		/* in XDP the kernel keeps no checksum of the packet */
#define xdp_give(p, ifindex, action) -PASS_no_transmit	/* tc sends packets to tunnels */

/* Returns whether the frame's destination MAC address is the link's. The address is loaded as one
 * word, with two bytes of the source masked out. */
INLINE bool xdp_for_us(const struct pkt *p)
{
	const void *eth = at(p, 0, sizeof(struct ethhdr));
	const __u64 *macs = p->link->macs;
	__u64 mac;

	if (unlikely(!eth))
		return false;
	mac = load_word(__u64, eth) & bpf_cpu_to_be64(0xffffffffffff0000ULL);
	return likely(mac == macs[0]) || mac == macs[1] || mac == macs[2] || mac == macs[3];
}

/* Returns the length of the linear part of the frame. */
INLINE __u32 xdp_linear(const struct pkt *p)
{
	struct xdp_md *ctx = p->ctx;

	return ctx_ptr(ctx, data_end) - ctx_ptr(ctx, data);
}

/* Returns the start of the frame if `size` bytes are linear, or NULL. *ret_len: the linear part. */
INLINE void *xdp_begin(const struct pkt *p, __u32 size, __u32 *ret_len)
{
	struct xdp_md *ctx = p->ctx;
	void *begin = ctx_ptr(ctx, data), *end = ctx_ptr(ctx, data_end);

	begin = within(begin, end, size);
	*ret_len = end - begin;
	return begin;
}

INLINE bool xdp_whole(struct pkt *p)
{
	__u32 end = p->s->l3 + p->s->len;

	if (likely(end <= xdp_linear(p)))
		return true;
	p->s->frags = LINK_XDP_SENDS_FRAGS;
	return end <= bpf_xdp_get_buff_len(p->ctx);
}

/* Returns true if the UDP checksum covers only the pseudo header. A packet with a partial checksum
 * comes from a guest on this machine, and its device or tc must complete the checksum. A redirect
 * from XDP would lose that information, so tc sends the packet. A fragment never has a partial
 * checksum, because the checksum is completed before fragmentation. */
INLINE bool xdp_checksum_partial(const struct pkt *p)
{
	return p->s->partial <= CSUM_SAME && p->s->checksum && !p->s->fragment;
}

INLINE int xdp_can_send(const struct pkt *p, const struct nexthop *hop)
{
	if ((LINK_XDP_SENDS | p->s->frags) & ~hop->egress &&
	    (!p->s->generic || hop->egress & (LINK_L3 | LINK_TC_SENDS)))
		return -PASS_no_transmit;
	return xdp_checksum_partial(p) ? -PASS_partial_checksum : 0;
}

INLINE int xdp_move_begin(const struct pkt *p, int bytes)
{
	return bpf_xdp_adjust_head(p->ctx, bytes);
}

/* Moves the frame's start, to make room for an Ethernet header, VLAN tags and a longer IP header.
 * If it fails, the packet is unchanged. */
INLINE int xdp_make_room(struct pkt *p, const struct nexthop *hop)
{
	__u32 tags = with_vlans ? vlan_tags_out(hop) & 3 : 0;
	__u32 l3 = sizeof(struct ethhdr) + tags * sizeof(struct vlan_tag);
	__u32 l4 = l3 + (is_nat64(p) ? p->s->flow.nat64.head & 0x7f : p->s->l4 - p->s->l3);
	int shrink = (int)p->s->l4 - (int)l4;

	if (!with_vlans && !is_nat64(p))
		return 0;
	if (shrink && xdp_move_begin(p, shrink))
		return -PASS_no_headroom;
	p->s->l3 = l3;
	p->s->l4 = l4;
	return 0;
}

/* Removes bytes behind the IP packet. In libxdp's dispatcher a program cannot move either end of a
 * packet (user/dataplane/attach.c): tc then trims the packet, whose start is unmoved too. */
INLINE int xdp_trim(struct pkt *p)
{
	struct xdp_md *ctx = p->ctx;
	__u32 end = p->s->l3 + p->s->len, len;

	if (end >= xdp_linear(p) && !p->s->frags)
		return 0;
	len = bpf_xdp_get_buff_len(ctx);
	return len > end && bpf_xdp_adjust_tail(ctx, (int)(end - len)) ? -PASS_no_transmit : 0;
}

INLINE void xdp_rewrite_checksum(struct pkt *p, struct udphdr *udp, __u32 ports)
{
	if (udp && p->s->checksum)
		udp->check = csum_add_udp(udp->check, p->s->service.delta + ports);
}

INLINE int xdp_redirect(const struct pkt *p, __u32 ifindex, int *ret_action)
{
	*ret_action = bpf_redirect_map(&devices, ifindex, 0);
	return *ret_action == XDP_REDIRECT ? 0 : -DROP_send_failed;
}

INLINE int xdp_send(struct pkt *p, const struct nexthop *hop, int *ret_action)
{
	struct ethhdr *eth = at(p, 0, sizeof(*eth));

	if (unlikely(!eth))
		return -DROP_send_failed;
	eth_write(eth, &hop->fib);
	if (with_vlans && vlan_write(p, hop))
		return -DROP_send_failed;
	return xdp_redirect(p, with_vlans && hop->port ? hop->port : hop->fib.ifindex,
			    ret_action);
}
