/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Builds a UDP packet from a description: addresses, ports, WireGuard message, VLAN tags and
 * fragmentation. `trace` uses it.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include "lib/addr.h"

struct packet_wish {
	struct address from, to; /* source and destination address, both of the same family */
	__be16 sport, dport;
	/* Length of the IP packet in bytes; 0: as long as its message needs. Without a WireGuard
	 * message the payload then has 32 bytes. */
	__u32 size;
	/* Type of the WireGuard message (enum message); 0: none, the payload is zeros. */
	__u32 message;
	bool has_key;
	__u8 key[32]; /* the receiver's public key, for the mac1 of a handshake message */
	/* Sender index of an initiation or response, or receiver index of other messages. */
	__u32 index;
	__u8 ttl;
	bool df;
	/* The packet is a fragment, at this offset, of a datagram of `size` bytes in total. more:
	 * it is not the last fragment. */
	bool fragment, more;
	__u32 offset;
	__u8 mac[2][6];			/* destination and source MAC address */
	__u32 n_vlans;
	__u16 vlan[2];			/* VLAN ids, the outer tag first */
};

/* Writes the frame and returns its length. Returns -EINVAL if w->size is too small for the headers,
 * or the frame would be longer than max. */
int packet_make(const struct packet_wish *w, __u8 *frame, size_t max);
