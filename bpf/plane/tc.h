/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The tc plane, at ingress after XDP. The tc plane can handle every packet by itself, and sends
 * packets that XDP cannot send. The tc plane writes headers directly (the verifier adds a prologue
 * that unclones the skb). Helpers that may move the packet come last. plane.h describes these
 * functions.
 */
#pragma once

#include <linux/pkt_cls.h>
#include "csum.h"
#include "step.h"

#define tc_can_send(p, hop) 0		/* tc can send on every device */
#define tc_begin(p, size, ret) NULL	/* never used, like the next two: for the express path */
#define tc_move_begin(p, bytes) -1
#define tc_redirect(p, ifindex, action) -DROP_send_failed
#define TC_HEADERS (sizeof(struct ethhdr) + sizeof(struct ipv6hdr) + sizeof(struct udphdr))

/* Returns skb->protocol, for a packet without an Ethernet header. */
INLINE __be16 tc_protocol(const struct pkt *p)
{
	return ((struct __sk_buff *)p->ctx)->protocol;
}

/* ---- the Ethernet header ---- */

/* Restores a missing Ethernet header. From Linux 6.9 on, generic XDP (anyone's) copies an skb with
 * too little headroom to one with mac_len 0, whose data begins behind the header; a redirect would
 * send it without. Programs after ours see the header too. */
INLINE int tc_find_mac_step(struct pkt *p)
{
	__u64 mac[2] = {}, first[2] = {};	/* room for two Ethernet headers */

	if (p->plane != PLANE_TC)
		return NOT_OURS;
	if (bpf_skb_load_bytes_relative(p->ctx, 0, mac, ETH_HLEN, BPF_HDR_START_MAC))
		return NOT_OURS;
	if (!bpf_skb_load_bytes(p->ctx, 0, first, ETH_HLEN) && first[0] == mac[0] &&
	    first[1] == mac[1])
		return 0;
	return bpf_skb_change_head(p->ctx, ETH_HLEN, 0) ||
	       bpf_skb_store_bytes(p->ctx, 0, mac, ETH_HLEN, 0) ? NOT_OURS : 0;
}
CALLED_STEP(true, tc_find_mac)

/* Returns whether the Ethernet header may be missing: its EtherType differs from skb->protocol. The
 * EtherType also differs if the packet is tagged or not Ethernet II. */
INLINE bool tc_may_lack_mac(const struct pkt *p)
{
	const struct __sk_buff *skb = p->ctx;
	const struct ethhdr *eth = at(p, 0, sizeof(*eth));

	return !eth || eth->h_proto != (__be16)skb->protocol || p->link->flags & LINK_GENERIC;
}

INLINE int tc_load(struct pkt *p)
{
	struct __sk_buff *skb = p->ctx;

	if (!p->s->bare && tc_may_lack_mac(p) && tc_find_mac(p))
		return NOT_OURS;
	if (at(p, 0, TC_HEADERS))
		return 0;
	return bpf_skb_pull_data(skb, skb->len < TC_HEADERS ? skb->len : TC_HEADERS) ? NOT_OURS : 0;
}

/* Returns whether the frame is for the MAC address of a virtual router (VRRP). The kernel will give
 * it to the MACVLAN later, but marks it here as for another host. */
INLINE bool tc_for_router(const struct pkt *p)
{
	const void *eth = at(p, 0, sizeof(struct ethhdr));
	const __u64 *macs = p->link->macs;
	__u64 mac = eth ? load_word(__u64, eth) & bpf_cpu_to_be64(0xffffffffffff0000ULL) : 0;

	return mac == macs[1] || mac == macs[2] || mac == macs[3];
}

/* A priority tag (VLAN id 0) names no VLAN. After tc, the kernel takes such a frame for
 * untagged. */
INLINE bool tc_for_us(const struct pkt *p)
{
	const struct __sk_buff *skb = p->ctx;
	bool vlan = skb->vlan_present && skb->vlan_tci & 0x0fff;
	bool host = skb->pkt_type == 0 /* PACKET_HOST */;
	bool other = skb->pkt_type == 3 /* PACKET_OTHERHOST */;

	return (host || (with_routers && other && tc_for_router(p))) && !vlan;
}

/* ---- headers and length ---- */

INLINE bool tc_whole(struct pkt *p)
{
	const struct __sk_buff *skb = p->ctx;

	take_segments(p, skb->gso_segs, skb->gso_size, skb->len - p->s->l3);
	return p->s->l3 + p->s->len <= skb->len;
}

INLINE int tc_reach(struct pkt *p)
{
	__u32 need = p->s->l4 + sizeof(struct udphdr), len = ((struct __sk_buff *)p->ctx)->len;

	return bpf_skb_pull_data(p->ctx, need < len ? need : len) ? NOT_OURS : 0;
}

/* Makes the IP header as long as the other version's. The helper assumes headers without options,
 * so a second step adjusts the rest. Returns 0, a positive value if the packet is unchanged, or a
 * negative value if it is lost. */
INLINE int tc_change_family_step(struct pkt *p)
{
	int to4 = p->s->leaves == FAMILY_IPV4;
	int change = sizeof(struct ipv6hdr) - sizeof(struct iphdr);
	int grow = (int)(p->s->flow.nat64.head & 0x7f) - (int)(p->s->l4 - p->s->l3);
	int rest = grow - (to4 ? -change : change);

	if (p->plane != PLANE_TC)
		return NOT_OURS;
	if (bpf_skb_change_proto(p->ctx, to4 ? bpf_htons(ETH_P_IP) : bpf_htons(ETH_P_IPV6), 0))
		return 1;
	return rest && bpf_skb_adjust_room(p->ctx, rest, BPF_ADJ_ROOM_MAC, 0) ? -1 : 0;
}
CALLED_STEP(with_flows, tc_change_family)

INLINE int tc_make_room_nat64(struct pkt *p)
{
	int rc = tc_change_family(p);

	if (rc)
		return rc > 0 ? -PASS_no_headroom : -DROP_send_failed;
	p->s->l4 = p->s->l3 + (p->s->flow.nat64.head & 0x7f);
	return tc_reach(p) ? -DROP_send_failed : 0;
}

/* Removes the priority tag of a packet that will be sent. */
INLINE int tc_untag(struct pkt *p)
{
	struct __sk_buff *skb = p->ctx;

	return unlikely(skb->vlan_present) && bpf_skb_vlan_pop(skb) ? -DROP_send_failed : 0;
}

/* Makes room for the Ethernet header, if the packet arrived without one and leaves with one. The
 * kernel's neighbour output writes the header. */
INLINE int tc_make_room(struct pkt *p, const struct nexthop *hop)
{
	int rc = tc_untag(p) ?: is_nat64(p) ? tc_make_room_nat64(p) : 0;

	if (rc)
		return rc;
	if (p->s->l3 || hop->egress & LINK_L3)
		return 0;
	if (bpf_skb_change_head(p->ctx, ETH_HLEN, 0))	/* a translated packet cannot go up */
		return is_nat64(p) ? -DROP_send_failed : -PASS_no_headroom;
	p->s->l3 += ETH_HLEN;
	p->s->l4 += ETH_HLEN;
	p->s->through_neighbour = true;
	return 0;
}

INLINE int tc_trim(struct pkt *p)
{
	__u32 end = p->s->l3 + p->s->len, len = ((struct __sk_buff *)p->ctx)->len;

	return len > end && bpf_skb_change_tail(p->ctx, end, 0) ? -DROP_send_failed : tc_untag(p);
}

/* ---- checksums ---- */

/* Updates the UDP checksum. The helpers also keep the skb's own checksum (CHECKSUM_COMPLETE)
 * correct, whatever ip_summed is. Changes in an IPv4 header do not matter to that, because the
 * header sums to 0. For IPv6 there are two errors. The helper subtracts the difference of the
 * addresses once too often (the flag BPF_F_IPV6 is newer than our oldest kernel), and no helper
 * call covers the hop limit. One update corrects both. Addresses and ports need separate calls,
 * because a partial checksum covers only the pseudo header. */
INLINE void tc_rewrite_checksum(struct pkt *p, const struct udphdr *udp, __u32 ports)
{
	__u32 off = p->s->l4 + offsetof(struct udphdr, check);

	if (p->s->family == FAMILY_IPV6)
		bpf_csum_update(p->ctx, (__u32)p->s->service.delta + (__u16)~bpf_htons(0x0001));
	if (p->s->checksum)
		bpf_l4_csum_replace(p->ctx, off, 0, p->s->service.delta,
				    BPF_F_MARK_MANGLED_0 | BPF_F_PSEUDO_HDR);
	if (!udp || ports == NO_CHANGE)
		return;
	if (p->s->checksum)
		bpf_l4_csum_replace(p->ctx, off, 0, ports, BPF_F_MARK_MANGLED_0);
	else
		bpf_csum_update(p->ctx, ports);
}

/* Updates the skb's checksum after a change of only the IPv6 hop limit: see above. */
INLINE void tc_hop_checksum(const struct pkt *p)
{
	bpf_csum_update(p->ctx, (__u16)~bpf_htons(0x0001));
}

/* ---- sending ---- */

/* Sends the packet to a device without Ethernet headers. The kernel removes ours. */
INLINE int tc_give(const struct pkt *p, __u32 ifindex, int *ret_action)
{
	*ret_action = bpf_redirect(ifindex, 0);
	return *ret_action == TC_ACT_REDIRECT ? 0 : -DROP_send_failed;
}

INLINE int tc_send_by_neighbour(const struct nexthop *hop)
{
	struct bpf_redir_neigh to = { .nh_family = hop->fib.family };

	if (hop->fib.family == FAMILY_IPV4)
		to.ipv4_nh = hop->fib.ipv4_dst;
	else
		memcpy(to.ipv6_nh, hop->fib.ipv6_dst, sizeof(to.ipv6_nh));
	return bpf_redirect_neigh(hop->fib.ifindex, &to, sizeof(to), 0);
}

INLINE int tc_send(struct pkt *p, const struct nexthop *hop, int *ret_action)
{
	struct ethhdr *eth;

	if (p->s->through_neighbour && !(hop->egress & LINK_L3)) {
		*ret_action = tc_send_by_neighbour(hop);
	} else {
		eth = at(p, 0, sizeof(*eth));
		if (!eth)
			return -DROP_send_failed;
		if (!(hop->egress & LINK_L3))
			eth_write(eth, &hop->fib);
		*ret_action = bpf_redirect(hop->fib.ifindex, 0);
	}
	return *ret_action == TC_ACT_REDIRECT ? 0 : -DROP_send_failed;
}
