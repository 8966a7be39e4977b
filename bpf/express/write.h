/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The express path, last part: makes room for the new headers and writes them. send.h uses it,
 * after all checks.
 *
 * Reads:  s->express; the entry.
 * Writes: the packet.
 */
#pragma once

#include "express/read.h"
#include "fib.h"
#include "flow/nat64.h"

/* ---- the Ethernet header ---- */

/* Returns the egress device in the form of struct memo .out; 0: the pipeline must send the packet,
 * because its frame leaves with two tags or with an 802.1ad tag. */
INLINE __u32 express_out(const struct nexthop *hop)
{
	if (!with_vlans || !hop->port)
		return hop->fib.ifindex;
	if (hop->tags[1] || hop->egress & LINK_OUTER_AD)
		return 0;
	return express_vlan(hop->port, bpf_ntohs(hop->tags[0]));
}

/* Returns the ifindex of the egress device from struct memo .out. */
INLINE __u32 express_egress(__u32 out)
{
	return with_vlans ? express_device(out) : out;
}

/* Moves the frame's start, so that the frame has a tag if `out` needs one, and an IP header that is
 * `more` bytes longer. Sets *eth to the start of the frame. Returns the address 14 bytes before the
 * IP header, of which `size` bytes may be used; NULL with the packet unchanged if it has too little
 * headroom. */
INLINE void *express_make_room(const struct pkt *p, const struct express_work *w, __u32 out,
			       int more, __u32 size, void **eth)
{
	__u32 tag = with_vlans ? (out >> 31) * sizeof(struct vlan_tag) : 0;
	int shrink = (int)w->tag - (int)tag - more;

	if (shrink && plane(p, move_begin, shrink))
		return NULL;
	*eth = at(p, 0, sizeof(struct ethhdr) + sizeof(struct vlan_tag));
	return at(p, tag, size);
}

INLINE void express_write_macs(void *eth, const struct memo *e)
{
	store_word(__u64, eth, load_word(__u64, e->macs));
	store_word(__u32, eth + 8, load_word(__u32, e->macs + 8));
}

/* Writes the frame's tag, if it leaves with one. */
INLINE void express_write_tag(void *eth, __u32 out)
{
	if (with_vlans && out >> 31) {
		store_word(__be16, eth + 12, bpf_htons(ETH_P_8021Q));
		store_word(__be16, eth + 14, bpf_htons(out >> 18 & 0xfff));
	}
}

/* Writes the Ethernet header of a packet whose IP version stays, from hop or, if hop is NULL, from
 * the entry. Returns what express_make_room() returns. */
INLINE void *express_write_eth(const struct pkt *p, const struct memo *e,
			       const struct express_work *w, const struct nexthop *hop, __u32 out,
			       void *head)
{
	void *eth = head;

	if (with_vlans)
		head = express_make_room(p, w, out, 0, EXPRESS_HEAD, &eth);
	if (!head || !eth)
		return NULL;
	if (hop)
		eth_write(eth, &hop->fib);
	else
		express_write_macs(eth, e);
	express_write_tag(eth, out);
	return head;
}

/* ---- IP and UDP headers ---- */

/* Writes the new source, or destination, or both. No check can fail after this. */
INLINE void express_rewrite(const struct memo *e, const struct express_work *w, void *head,
			    bool src, bool dst)
{
	struct udphdr *udp = express_udp(head, w->ipv4);

	if (w->ipv4) {
		struct iphdr *ip = head + sizeof(struct ethhdr);

		if (src)
			ip->saddr = e->src[1];
		if (dst)
			ip->daddr = e->dst[1];
		ip->ttl--;
		ip->check = csum_add(ip->check, e->ip_delta);
	} else {
		struct ipv6hdr *ip = head + sizeof(struct ethhdr);

		if (src)
			addr_store(&ip->saddr, (struct addr){ .q = { e->src[0], e->src[1] } });
		if (dst)
			addr_store(&ip->daddr, (struct addr){ .q = { e->dst[0], e->dst[1] } });
		ip->hop_limit--;
	}
	if (src)
		udp->source = e->sport;
	if (dst)
		udp->dest = e->dport;
	if (udp->check)
		udp->check = csum_add_udp(udp->check, e->udp_delta);
}

/* Passes to nat64_head4() and nat64_head6() what they need from the entry. */
INLINE void express_begin_nat64(struct pkt_state *s, const struct memo *e,
				const struct express_work *w, const void *head)
{
	struct flow_nat64 *a = &s->flow.nat64;
	const struct ipv6hdr *ip6 = head + sizeof(struct ethhdr);
	const struct iphdr *ip = head + sizeof(struct ethhdr);

	a->fragment = 0;
	a->payload = w->payload;
	a->head = w->ipv4 ? sizeof(*ip6) : sizeof(*ip);
	a->tos = w->ipv4 ? ip->tos : bpf_ntohs(*(__be16 *)ip6) >> 4;
	a->ttl = (w->ipv4 ? ip->ttl : ip6->hop_limit) - 1;
	s->flow.way.src = express_addr(e->src, !w->ipv4);
	s->flow.way.dst = express_addr(e->dst, !w->ipv4);
}

/* Translates the packet to the other IP version. Returns 0, or a negative value with the packet
 * unchanged. The pipeline handles packets without a UDP checksum, because it can compute one. */
INLINE int express_nat64(struct pkt *p, const struct memo *e, const struct express_work *w,
			 void *head)
{
	struct udphdr *udp = express_udp(head, w->ipv4);
	bool to6 = w->ipv4;
	void *eth = NULL;

	p->s = state_find();
	if (!udp->check || !p->s || p->s->busy)
		return -1;
	express_begin_nat64(p->s, e, w, head);
	if (to6) {
		head = express_make_room(p, w, e->out, 20, EXPRESS_HEAD, &eth);
		if (!head || !eth)
			return -1;
		nat64_head6(p, head + sizeof(struct ethhdr));
	} else {
		head = express_make_room(p, w, e->out, -20, EXPRESS_HEAD - 20, &eth);
		if (!head || !eth)
			return -1;
		nat64_head4(p, head + sizeof(struct ethhdr));
	}
	((struct ethhdr *)head)->h_proto = to6 ? bpf_htons(ETH_P_IPV6) : bpf_htons(ETH_P_IP);
	udp = express_udp(head, !to6);
	udp->source = e->sport;
	udp->dest = e->dport;
	udp->check = csum_add_udp(udp->check, e->udp_delta);
	express_write_macs(eth, e);
	express_write_tag(eth, e->out);
	return 0;
}
