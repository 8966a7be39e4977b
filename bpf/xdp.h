/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The xdp plane. It writes only what it sends: every answer before send leaves the packet as it came.
 */
#ifndef WGXDP_XDP_H
#define WGXDP_XDP_H

#include "maps.h"
#include "extensions.h"
#include "csum.h"
#include "vlan.h"

/* One load of data or data_end, 64 bits wide from the start: clang 14 else shares it with 32-bit arithmetic, and the verifier
 * sees a scalar where a packet pointer was. */
#define ctx_ptr(ctx, field) ({ \
	void *ptr_; \
	asm volatile("%0 = *(u32 *)(%1 + %2)" : "=r"(ptr_) : "r"(ctx), "i"(offsetof(typeof(*(ctx)), field))); \
	ptr_; })

INLINE int xdp_load(struct pkt *p)
{
	struct xdp_md *xdp = p->ctx;

	p->data = ctx_ptr(xdp, data);
	p->end = ctx_ptr(xdp, data_end);
	return 0;
}

/* The destination MAC is one of the link's; it and two bytes of the source are read as one word. No branches: the verifier
 * would walk the rest once for each. */
INLINE bool xdp_for_us(const struct pkt *p)
{
	const void *eth = at(p, 0, sizeof(struct ethhdr));
	const struct link *link = p->link;
	__u64 mac, differs;

	if (!eth)
		return false;
	mac = load_word(__u64, eth) & bpf_cpu_to_be64(0xffffffffffff0000ULL);
	differs = mac ^ link->macs[0];
	if (!differs)
		return true;
	return mac == link->macs[1] || mac == link->macs[2] || mac == link->macs[3];
}

INLINE bool xdp_whole(struct pkt *p)
{
	__u32 end = p->l3 + p->len, frags = 0, lacks = 0;

	opaque(end);		/* 32 bits wide: 6.1 takes the result of a byte swap for unbounded */
	if (p->data + end > p->end) {
		frags = LINK_XDP_SENDS_FRAGS;
		lacks = end > bpf_xdp_get_buff_len(p->ctx);
	}
	p->frags = blur(p, frags);
	return !lacks;
}

__attribute__((noinline)) int xdp_extensions(struct xdp_md *ctx, __u32 l3, __u32 family, __u32 first)
{
	return extensions_walk(ctx, PLANE_XDP, l3, family, first);
}

INLINE int xdp_pull_extensions(struct pkt *p, __u8 first)
{
	return extensions_take(p, xdp_extensions(p->ctx, p->l3, p->family, first));
}

/* A packet that another guest of the same machine sent may carry only its pseudo header's sum: its device, or tc, is to
 * compute the rest. A redirect would forget that, so tc sends it. A fragment never does: it was complete before it was cut. */
INLINE bool xdp_checksum_partial(const struct pkt *p)
{
	return p->partial <= CSUM_SAME && p->checksum && !p->fragment;
}

INLINE int xdp_can_send(const struct pkt *p, const struct nexthop *nexthop)
{
	if (((LINK_XDP_SENDS | p->frags) & ~nexthop->egress) && (!p->generic || nexthop->egress & LINK_L3))
		return -PASS_no_transmit;
	return xdp_checksum_partial(p) ? -PASS_partial_checksum : 0;
}

/* Another IP header than the one that it has: its head is moved so that what is behind both stays */
INLINE int xdp_make_room_across(struct pkt *p, const struct nexthop *nexthop)
{
	__u32 tags = with_vlans ? vlan_tags_out(nexthop) & 3 : 0, l3 = sizeof(struct ethhdr) + tags * sizeof(struct vlan_tag);
	__u32 l4 = l3 + (p->way->across.head & 0x7f);

	if (bpf_xdp_adjust_head(p->ctx, (int)p->l4 - (int)l4))
		return -PASS_no_headroom;
	p->l3 = l3;
	p->l4 = l4;
	return xdp_load(p);
}

INLINE int xdp_make_room(struct pkt *p, const struct nexthop *nexthop)
{
	if (is_across(p))
		return xdp_make_room_across(p, nexthop);
	int rc = with_vlans ? vlan_make_room(p, nexthop) : 0;

	return rc ?: with_vlans ? xdp_load(p) : 0;
}

INLINE int xdp_trim(struct pkt *p)
{
	__u32 end = p->l3 + p->len, len;

	opaque(end);
	if (!(p->data + end < p->end || p->frags))
		return 0;
	len = bpf_xdp_get_buff_len(p->ctx);
	if (len > end && bpf_xdp_adjust_tail(p->ctx, (int)(end - len)))
		return -DROP_send_failed;
	return xdp_load(p);
}

INLINE void xdp_rewrite_checksum(struct pkt *p, struct udphdr *udp, __u32 ports)
{
	if (udp && p->checksum)
		udp->check = csum_add_udp(udp->check, p->delta + ports);
}

/* XDP brings nothing into reach, and keeps no sum of the packet */
INLINE int xdp_reach(const struct pkt *p)
{
	return 0;
}

INLINE void xdp_hop_checksum(const struct pkt *p)
{
}

/* what leaves by a tunnel, tc gives it */
INLINE int xdp_give(const struct pkt *p, __u32 ifindex, int *ret_action)
{
	return -PASS_no_transmit;
}

INLINE int xdp_send(struct pkt *p, const struct nexthop *nexthop, int *ret_action)
{
	struct ethhdr *eth = at(p, 0, sizeof(*eth));

	if (!eth)
		return -DROP_send_failed;
	eth_write(eth, &nexthop->fib);
	if (with_vlans && vlan_write(p, nexthop))
		return -DROP_send_failed;
	*ret_action = bpf_redirect_map(&devices, with_vlans && nexthop->port ? nexthop->port : nexthop->fib.ifindex, 0);
	return *ret_action == XDP_REDIRECT ? 0 : -DROP_send_failed;
}

#endif
