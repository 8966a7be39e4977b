/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The steps resolve() and leave(), tc only: decides whether an IPv4 packet without DF that exceeds
 * the MTU is fragmented, and sends the fragments, as any router must (RFC 791, section 3.2). The
 * packet may also leave as IPv6 (RFC 7915, section 4.1).
 *
 * can_fragment() runs in resolve(), after the next hop; fragment_packet() in leave(), after the
 * rewrite. fragment_packet() sends all fragments except the last one, which replaces the packet.
 * Reads:  the packet, s->out, segment_len, service.flags; the map nexthops.
 * Writes: s->fragment_size; the map fragment_area.
 */
#pragma once

#include "fragment/make.h"

#define IP_DF bpf_htons(0x4000)
#ifdef WGXDP_HOST
#define bpf_check_mtu(ctx, ifindex, mtu, more, flags) 1
#endif

INLINE bool without_df(const struct pkt *p)
{
	const struct iphdr *ip = at(p, p->s->l3, sizeof(*ip));

	return p->s->family == FAMILY_IPV4 && ip && !(ip->frag_off & IP_DF);
}

/* Returns whether the checksum is partial: it covers only the pseudo header, for a device to
 * complete it. A complete one may equal that by chance; then the datagram's sum is right. */
INLINE bool checksum_is_partial(struct pkt *p, const struct iphdr *ip, __u32 l4,
				const struct udphdr *udp)
{
	__u64 pseudo = csum_pseudo4(ip->saddr, ip->daddr) + udp->len + bpf_htons(IPPROTO_UDP);
	__u64 sum = pseudo;

	if (!udp->check || csum_compare(udp->check, pseudo) > CSUM_SAME)
		return false;
	return sum_bytes(p, l4, bpf_ntohs(udp->len), &sum) || csum_compare(0, sum) > CSUM_SAME;
}

INLINE __u32 gso_size(const struct pkt *p)
{
#ifdef WGXDP_HOST
	return ((const struct host_packet *)p->ctx)->gso_size;
#else
	return p->plane == PLANE_TC ? ((const struct __sk_buff *)p->ctx)->gso_size : 0;
#endif
}

/* Returns whether the segments of a GSO packet fit the MTU. With UDP_L4 segmentation, each segment
 * has a UDP header, and segment_len is right. But a virtual machine may send UFO packets, whose
 * segments are fragments; only the kernel knows their length. */
INLINE bool gso_fits(struct pkt *p, const struct nexthop *hop)
{
	__u32 device_mtu = 0;

	return !bpf_check_mtu(p->ctx, hop->fib.ifindex, &device_mtu, 0, BPF_MTU_CHK_SEGS) &&
	       device_mtu <= hop->fib.mtu_result;
}

/* Decides about a packet that exceeds the MTU. Returns 1 to send it. If it must be fragmented,
 * s->fragment_size is then the payload bytes of each fragment. Returns 0 to tell its sender the
 * MTU, as with `df: report`: it needs a new checksum first (partial checksum, GSO), or exceeds the
 * work area. Fragments and ICMP errors are always fragmented, because telling their senders would
 * not help. */
INLINE int fragment_plan_step(struct pkt *p)
{
	__u32 out = p->s->out, l3 = p->s->l3, header, len, mtu;
	const struct nexthop *hop = bpf_map_lookup_elem(&nexthops, &out);
	struct fragment_area *a = fragment_area_find();
	struct iphdr ip = {};
	struct udphdr udp = {};

	if (p->plane != PLANE_TC || !a || !hop || (gso_size(p) && is_nat64(p)))
		return 0;
	if (gso_size(p))
		return gso_fits(p, hop);
	if (plane_read(p, l3, &ip, sizeof(ip)) || ip.version != 4 || ip.frag_off & IP_DF)
		return 0;
	header = ip.ihl * 4;
	len = bpf_ntohs(ip.tot_len) - header;
	a->ident = bpf_htonl(bpf_ntohs(ip.id));
	if (len > FRAGMENTED_LEN)
		return 0;
	if (ip.protocol == IPPROTO_UDP && !(ip.frag_off & bpf_htons(0x3fff)) &&
	    (p->s->service.flags & SERVICE_DF_REPORT ||
	     plane_read(p, l3 + header, &udp, sizeof(udp)) ||
	     checksum_is_partial(p, &ip, l3 + header, &udp)))
		return 0;
	if (is_nat64(p))
		header = sizeof(struct ipv6hdr) + sizeof(struct fragment_header);
	mtu = hop->fib.mtu_result;
	if (mtu < header + 8 || mtu > 0xffff)
		return 0;
	mtu = (mtu - header) / 8 * 8;
	p->s->fragment_size = mtu < FRAGMENT_MAX ? mtu : FRAGMENT_MAX;
	return 1;
}
CALLED_STEP(true, fragment_plan)

INLINE bool can_fragment(struct pkt *p)
{
	return p->plane == PLANE_TC && !(is_nat64(p) && p->s->is_quote) && fragment_plan(p) > 0;
}

/* Sends all fragments but the last. Copies of a packet cannot wait for a neighbour, so if it is
 * unresolved only the first fragment is sent, through the kernel, which then resolves the
 * neighbour. The packet counts as dropped. */
INLINE int fragment_packet_step(struct pkt *p)
{
	__u32 out = p->s->out;
	const struct nexthop *hop = bpf_map_lookup_elem(&nexthops, &out);
	bool first_alone = false;
	struct ethhdr *eth;

	if (p->plane != PLANE_TC || !hop)
		return -DROP_send_failed;
	if (!(hop->egress & LINK_L3)) {
		first_alone = !load_word(__u32, hop->fib.dmac) &&
			      !load_word(__u16, hop->fib.dmac + 4);
		eth = at(p, 0, sizeof(*eth));
		if (!eth)
			return -DROP_send_failed;
		eth->h_proto = is_nat64(p) ? bpf_htons(ETH_P_IPV6) : bpf_htons(ETH_P_IP);
		if (!first_alone)
			eth_write(eth, &hop->fib);
	}
	if (make_fragments(p, hop->fib.ifindex, first_alone))
		return -DROP_send_failed;
	return first_alone ? -DROP_fragments_unresolved : 0;
}
CALLED_STEP(true, fragment_packet)
