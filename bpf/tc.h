/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The tc plane, at ingress: complete on its own, and the one that sends what XDP cannot. Headers are written directly (the
 * verifier's prologue unclones the skb); helpers that may move the packet come last.
 */
#ifndef WGXDP_TC_H
#define WGXDP_TC_H

#include <linux/pkt_cls.h>
#include "maps.h"
#include "extensions.h"
#include "tc_family.h"
#include "tc_mac.h"
#include "xdp.h"			/* ctx_ptr */

#define TC_HEADERS (sizeof(struct ethhdr) + sizeof(struct ipv6hdr) + sizeof(struct udphdr))

INLINE void tc_reload(struct pkt *p)
{
	struct __sk_buff *skb = p->ctx;

	p->data = ctx_ptr(skb, data);
	p->end = ctx_ptr(skb, data_end);
}

INLINE int tc_load(struct pkt *p)
{
	struct __sk_buff *skb = p->ctx;
	__u32 need;

	tc_reload(p);
	if (!p->bare && tc_may_lack_mac(p)) {
		if (tc_find_mac(skb))
			return NOT_OURS;
		tc_reload(p);
	}
	need = skb->len < TC_HEADERS ? skb->len : TC_HEADERS;
	if (p->data + TC_HEADERS > p->end) {
		if (bpf_skb_pull_data(skb, need))
			return NOT_OURS;
		tc_reload(p);
	}
	return 0;
}

INLINE bool tc_for_us(const struct pkt *p)
{
	const struct __sk_buff *skb = p->ctx;
	bool host = skb->pkt_type == 0 /* PACKET_HOST */;

	return (host || (with_routers && skb->pkt_type == 3 /* PACKET_OTHERHOST */ && tc_for_router(p))) && !skb->vlan_present;
}

INLINE bool tc_whole(struct pkt *p)
{
	const struct __sk_buff *skb = p->ctx;

	take_segments(p, skb->gso_segs, skb->gso_size, skb->len - p->l3);
	return p->l3 + p->len <= skb->len;
}

__attribute__((noinline)) int tc_extensions(struct __sk_buff *ctx, __u32 l3, __u32 family, __u32 first)
{
	return extensions_walk(ctx, PLANE_TC, l3, family, first);
}

INLINE int tc_reach(struct pkt *p)
{
	__u32 need = p->l4 + sizeof(struct udphdr), len = ((struct __sk_buff *)p->ctx)->len;
	long rc = bpf_skb_pull_data(p->ctx, need < len ? need : len);

	tc_reload(p);
	return rc ? NOT_OURS : 0;
}

INLINE int tc_pull_extensions(struct pkt *p, __u8 first)
{
	return extensions_take(p, tc_extensions(p->ctx, p->l3, p->family, first)) ?: tc_reach(p);
}

INLINE int tc_make_room_across(struct pkt *p)
{
	__u32 head = p->way->across.head & 0x7f, need, len;
	int rc = tc_change_family(p->ctx, p->leaves == FAMILY_IPV4, p->l4 - p->l3, head);

	tc_reload(p);
	if (rc)
		return rc > 0 ? -PASS_no_headroom : -DROP_send_failed;
	p->l4 = p->l3 + head;
	len = ((struct __sk_buff *)p->ctx)->len;
	need = p->l4 + sizeof(struct udphdr);
	if (bpf_skb_pull_data(p->ctx, need < len ? need : len))
		return -DROP_send_failed;
	tc_reload(p);
	return 0;
}

/* What came without an Ethernet header and leaves with one; the kernel's neighbour output writes it */
INLINE int tc_make_room(struct pkt *p, const struct nexthop *nexthop)
{
	int rc = is_across(p) ? tc_make_room_across(p) : 0;

	if (rc)
		return rc;
	if (p->l3 || nexthop->egress & LINK_L3)
		return 0;
	if (bpf_skb_change_head(p->ctx, ETH_HLEN, 0))
		return -PASS_no_headroom;
	p->l3 += ETH_HLEN;
	p->l4 += ETH_HLEN;
	p->through_neighbour = true;
	tc_reload(p);
	return 0;
}

INLINE int tc_trim(struct pkt *p)
{
	__u32 end = p->l3 + p->len, len = ((struct __sk_buff *)p->ctx)->len;

	if (len <= end)
		return 0;
	if (bpf_skb_change_tail(p->ctx, end, 0))
		return -DROP_send_failed;
	tc_reload(p);
	return 0;
}

INLINE int tc_can_send(const struct pkt *p, const struct nexthop *nexthop)
{
	return 0;
}

/* The skb's own sum (CHECKSUM_COMPLETE) is kept by helpers, whatever ip_summed is. An IPv4 header sums to nothing; in IPv6 the
 * helper takes the addresses' difference off once too often (BPF_F_IPV6 is newer than our floor), and nothing makes up for the
 * hop limit: one update mends both. A partial checksum holds the pseudo header alone, so addresses and ports are two calls. */
INLINE void tc_rewrite_checksum(struct pkt *p, const struct udphdr *udp, __u32 ports)
{
	__u32 off = p->l4 + offsetof(struct udphdr, check);

	if (p->family == FAMILY_IPV6)
		bpf_csum_update(p->ctx, (__u32)p->delta + (__u16)~bpf_htons(0x0001));
	if (p->checksum)
		bpf_l4_csum_replace(p->ctx, off, 0, p->delta, BPF_F_MARK_MANGLED_0 | BPF_F_PSEUDO_HDR);
	if (!udp || ports == NO_CHANGE)
		return;
	if (p->checksum)
		bpf_l4_csum_replace(p->ctx, off, 0, ports, BPF_F_MARK_MANGLED_0);
	else
		bpf_csum_update(p->ctx, ports);
}

/* of IPv6, whose addresses stay: see above */
INLINE void tc_hop_checksum(const struct pkt *p)
{
	bpf_csum_update(p->ctx, (__u16)~bpf_htons(0x0001));
}

/* To a device without Ethernet headers, for which the kernel takes one off */
INLINE int tc_give(const struct pkt *p, __u32 ifindex, int *ret_action)
{
	*ret_action = bpf_redirect(ifindex, 0);
	return *ret_action == TC_ACT_REDIRECT ? 0 : -DROP_send_failed;
}

INLINE int tc_send_by_neighbour(const struct nexthop *nexthop)
{
	struct bpf_redir_neigh to = { .nh_family = nexthop->fib.family };

	if (nexthop->fib.family == FAMILY_IPV4)
		to.ipv4_nh = nexthop->fib.ipv4_dst;
	else
		memcpy(to.ipv6_nh, nexthop->fib.ipv6_dst, sizeof(to.ipv6_nh));
	return bpf_redirect_neigh(nexthop->fib.ifindex, &to, sizeof(to), 0);
}

INLINE int tc_send(struct pkt *p, const struct nexthop *nexthop, int *ret_action)
{
	struct ethhdr *eth;

	if (p->through_neighbour && !(nexthop->egress & LINK_L3)) {
		*ret_action = tc_send_by_neighbour(nexthop);
	} else {
		tc_reload(p);		/* the checksum helpers ended the old pointers */
		eth = at(p, 0, sizeof(*eth));
		if (!eth)
			return -DROP_send_failed;
		if (!(nexthop->egress & LINK_L3)) {
			eth_write(eth, &nexthop->fib);
		}
		*ret_action = bpf_redirect(nexthop->fib.ifindex, 0);
	}
	return *ret_action == TC_ACT_REDIRECT ? 0 : -DROP_send_failed;
}

#endif
