/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The express path, first part: reads the headers of a usual, complete packet with one bounds
 * check.
 *
 * Runs first, before the lookup of the side (express.h).
 * Reads:  the packet.
 * Writes: s->express.
 */
#pragma once

#include "express/memo.h"
#include "guard/message.h"
#include "plane/plane.h"

/* Length of the Ethernet, IPv6 and UDP headers. IPv4 headers are shorter, and every WireGuard frame
 * is longer. */
#define EXPRESS_HEAD (sizeof(struct ethhdr) + sizeof(struct ipv6hdr) + sizeof(struct udphdr))

/* Starts to read a frame, which may have one 802.1Q tag: sets w->mac, tag and ifindex. Returns the
 * address 14 bytes before the IP header, where the Ethernet header of an untagged frame begins;
 * NULL: the pipeline must read the frame. */
INLINE void *express_read_eth(const struct pkt *p, struct express_work *w)
{
	void *head = at(p, 0, EXPRESS_HEAD);
	const struct vlan_tag *tag;
	__be16 proto;

	if (!head)
		return NULL;
	w->mac = load_word(__u64, head) & bpf_cpu_to_be64(0xffffffffffff0000ULL);
	if (!with_vlans)
		return head;
	proto = ((struct ethhdr *)head)->h_proto;
	/* Without a branch, so that the verifier walks the rest of the program only once. */
	w->tag = learned_none(proto ^ bpf_htons(ETH_P_8021Q)) * sizeof(*tag) & sizeof(*tag);
	tag = head + sizeof(struct ethhdr);
	if (proto == bpf_htons(ETH_P_8021Q))
		w->ifindex = express_vlan(w->ifindex, bpf_ntohs(tag->tci & VLAN_ID));
	return w->ifindex ? at(p, w->tag, EXPRESS_HEAD) : NULL;
}

INLINE struct udphdr *express_udp(void *head, bool ipv4)
{
	return head + sizeof(struct ethhdr) +
	       (ipv4 ? sizeof(struct iphdr) : sizeof(struct ipv6hdr));
}

/* Returns the sum of the addresses for the pseudo header; 0: the pipeline must read the header. */
INLINE __u64 express_read4(const struct iphdr *ip, struct express_work *w)
{
	if (*(__u8 *)ip != 0x45 || ip->frag_off & bpf_htons(0x3fff) ||
	    ip->protocol != IPPROTO_UDP || ip->ttl <= 1)
		return 0;
	w->key.src[0] = w->key.dst[0] = 0;
	w->key.src[1] = ip->saddr;
	w->key.dst[1] = ip->daddr;
	w->len = bpf_ntohs(ip->tot_len);
	w->payload = w->len - sizeof(*ip);
	return csum_pseudo4(ip->saddr, ip->daddr);
}

INLINE __u64 express_read6(const struct ipv6hdr *ip, struct express_work *w)
{
	if (*(__u8 *)ip >> 4 != 6 || ip->nexthdr != IPPROTO_UDP || ip->hop_limit <= 1)
		return 0;
	w->key.src[0] = load_word(__u64, &ip->saddr);
	w->key.src[1] = load_word(__u64, (void *)&ip->saddr + 8);
	w->key.dst[0] = load_word(__u64, &ip->daddr);
	w->key.dst[1] = load_word(__u64, (void *)&ip->daddr + 8);
	w->payload = bpf_ntohs(ip->payload_len);
	w->len = w->payload + sizeof(*ip);
	return csum_pseudo6(ip);
}

/* Reads a UDP packet if it is whole, without options, extension headers and fragmentation, if its
 * lengths agree, and if its checksum is not partial. Returns false for any other packet. */
INLINE bool express_read(const struct pkt *p, void *head, struct express_work *w)
{
	const struct ethhdr *eth = head;
	const struct udphdr *udp;
	__u64 pseudo;
	__be16 proto;
	__u32 len;

	proto = load_word(__be16, &eth->h_proto);
	w->ipv4 = proto == bpf_htons(ETH_P_IP);
	if (w->ipv4)
		pseudo = express_read4(head + sizeof(*eth), w);
	else if (proto == bpf_htons(ETH_P_IPV6))
		pseudo = express_read6(head + sizeof(*eth), w);
	else
		return false;
	udp = express_udp(head, w->ipv4);
	len = bpf_ntohs(udp->len);
	if (!pseudo || w->payload > 0xffff || len < sizeof(*udp) || len > w->payload ||
	    w->tag + sizeof(*eth) + w->len > plane(p, linear))
		return false;
	if (csum_compare(udp->check, pseudo + udp->len + bpf_htons(IPPROTO_UDP)) <= CSUM_SAME)
		return false;
	w->key.word = (__u64)w->ifindex << 32 | load_word(__u32, udp);
	return true;
}

INLINE struct addr express_addr(const __u64 *words, bool ipv4)
{
	return ipv4 ? addr_from4(words[1]) : (struct addr){ .q = { words[0], words[1] } };
}

/* Returns the WireGuard message if it is data as is_plain_data() defines it, otherwise NULL. */
INLINE const void *express_data(const struct pkt *p, const struct express_work *w, void *head)
{
	const struct udphdr *udp = express_udp(head, w->ipv4);
	const void *message = at(p, w->tag + ((void *)(udp + 1) - head), 8);
	__u32 len = bpf_ntohs(udp->len);

	if (!message || load_word(__u32, message) != from_le32(MESSAGE_DATA) ||
	    !length_fits(MESSAGE_DATA, len - sizeof(*udp)))
		return NULL;
	return message;
}
