/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Builds a UDP packet from a description: addresses, ports, payload, VLAN tags and fragmentation.
 * `trace` uses it, and the daemon for the datagrams that the BPF program wgxdp_send then sends
 * (bpf/send_frame.h): cookie replies, and initiations of the blind relay.
 */
#pragma once
#include <arpa/inet.h>
#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>
#include "lib/addr.h"

struct packet_wish {
	struct address from, to; /* addresses, of one family */
	__be16 sport, dport;
	const void *payload;		/* NULL: the message below */
	size_t n_payload;
	/* Length of the IP packet in bytes; 0: what its message needs, or 32 bytes of payload
	 * without one. */
	__u32 size;
	/* enum message: type of the WireGuard message; 0: none, zeros instead. */
	__u32 message;
	bool has_key;
	__u8 key[32]; /* receiver's public key, for mac1 of a handshake message */
	/* Sender index (initiation, response), or receiver index (other messages). */
	__u32 index;
	__u8 ttl;
	bool df;
	/* A fragment at `offset` of a datagram that has `size` bytes. more: not the last one. */
	bool fragment, more;
	__u32 offset;
	__u8 mac[2][6];			/* destination, source */
	__u32 n_vlans;
	__u16 vlan[2];			/* ids, the outer tag first; 0: no tag */
};

/* Writes the frame and returns its length. Returns -EINVAL if w->size is too small for the headers,
 * or the frame would be longer than max. */
int packet_make(const struct packet_wish *w, __u8 *frame, size_t max);

#define UDP_FRAME_HEADERS (14 + 40 + 8)	/* Ethernet, IPv6, UDP, in bytes */
/* Writes the frame of a datagram, with zeros as MAC addresses, and returns its length. Both
 * addresses have the same family, and frame has room for UDP_FRAME_HEADERS + n bytes. */
int udp_frame(__u8 *frame, const struct addr *src, __be16 sport, const struct addr *dst,
	      __be16 dport, const void *payload, size_t n);

/* ---- checksums ---- */

/* Adds n bytes to a sum, which starts at 0 and is not folded. Only the last of several pieces may
 * have an odd length. */
static inline __u32 checksum_add(__u32 sum, const void *bytes, size_t n)
{
	const __u8 *b = bytes;

	for (size_t i = 0; i + 1 < n; i += 2)
		sum += b[i] << 8 | b[i + 1];
	return n & 1 ? sum + (b[n - 1] << 8) : sum;
}

/* Folds the sum to 16 bits and returns its complement in network order, ready for a header. */
static inline __be16 checksum_fold(__u32 sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	sum += sum >> 16;
	return htons(~sum);
}
