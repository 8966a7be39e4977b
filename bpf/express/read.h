/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The express path, first part: reads the headers of a usual, complete packet with one bounds
 * check, and makes the key by which the packet is looked up.
 *
 * Runs first, before the lookup (express.h).
 * Reads:  the packet.
 * Writes: nothing.
 */
#pragma once

#include "express/memo.h"
#include "guard/message.h"
#include "plane/plane.h"

/* Bytes that a packet must have from 14 bytes before its IP header on: the headers of Ethernet,
 * IPv6 and UDP, and the first 8 bytes of the payload. Every frame with WireGuard data is longer. */
#define EXPRESS_HEAD (sizeof(struct ethhdr) + sizeof(struct ipv6hdr) + sizeof(struct udphdr) + 8)

/* The first bytes of the headers: EtherType; version, header length (IPv4). */
#define HEAD_IPV4 bpf_htonl(ETH_P_IP << 16 | 0x4500)
#define HEAD_IPV6 bpf_htonl((__u32)ETH_P_IPV6 << 16 | 0x6000)

INLINE __u32 express_udp_at(bool ipv4)
{
	return sizeof(struct ethhdr) + (ipv4 ? sizeof(struct iphdr) : sizeof(struct ipv6hdr));
}

/* Reads an IPv4 header without options, of a whole packet. head: 14 bytes before it. len: length
 * that the packet must have. Returns the sum of the addresses; 0: the pipeline must read it. */
INLINE __u64 express_read4(const void *head, __u32 len, struct express_key *k)
{
	__u32 word = load_word(__u32, head + 20);	/* fragment, TTL, protocol */
	__u64 middle = load_word(__u64, head + 24), last = load_word(__u64, head + 32);

	if (unlikely((word & bpf_htonl(0x3fff00ff)) != bpf_htonl(IPPROTO_UDP) ||
		     !(word & bpf_htonl(0xfe00)) ||
		     bpf_ntohs(load_word(__be16, head + 16)) != len))
		return 0;
	k->from = FIRST(middle);	/* without the checksum of the header */
	k->to = LAST(last);		/* without the length of UDP */
	return k->from + load_word(__u16, head + 32);
}

/* The same for an IPv6 header that UDP's follows. */
INLINE __u64 express_read6(const void *head, __u32 len, struct express_key *k)
{
	__u16 word = load_word(__u16, head + 20);	/* next header, hop limit */

	if (unlikely((word & bpf_htons(0xff00)) != bpf_htons(IPPROTO_UDP << 8) ||
		     !(word & bpf_htons(0xfe)) ||
		     bpf_ntohs(load_word(__be16, head + 18)) + sizeof(struct ipv6hdr) != len))
		return 0;
	k->from = load_word(__u64, head + 22);
	k->source = load_word(__u64, head + 30);
	k->destination[0] = load_word(__u64, head + 38);
	k->destination[1] = load_word(__u64, head + 46);
	return csum_pseudo6(head + sizeof(struct ethhdr));
}

/* Reads a UDP packet if it is whole, without options, extension headers and fragmentation, if it
 * fills the frame, and if its checksum is not partial. frame: length of the frame from head on.
 * Returns false for any other packet. */
INLINE bool express_read(const void *head, __u32 frame, bool ipv4, struct express_key *k)
{
	const struct udphdr *udp = head + express_udp_at(ipv4);
	__u32 whole = frame - sizeof(struct ethhdr);
	__be16 len = load_word(__be16, &udp->len);
	__u64 sum = ipv4 ? express_read4(head, whole, k) : express_read6(head, whole, k);

	if (unlikely(!sum || bpf_ntohs(len) != frame - express_udp_at(ipv4)))
		return false;
	if (!ipv4)
		k->to = WORD(__u32, load_word(__u32, udp), 4);
	return likely(csum_compare(udp->check, sum + len + bpf_htons(IPPROTO_UDP)) > CSUM_SAME);
}

/* Returns whether the UDP payload is WireGuard data as is_plain_data() defines it. len: of the IP
 * packet. */
INLINE bool express_is_data(const void *head, __u32 len, bool ipv4)
{
	return load_word(__u32, head + express_udp_at(ipv4) + sizeof(struct udphdr)) ==
		       from_le32(MESSAGE_DATA) &&
	       length_fits(MESSAGE_DATA, len + sizeof(struct ethhdr) - express_udp_at(ipv4) -
						 sizeof(struct udphdr));
}
