/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Makes a UDP packet from its description: addresses, ports, WireGuard message, and oddities.
 * `trace` uses it.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include "lib/addr.h"

struct packet_wish {
	struct address from, to;	/* of one family */
	__be16 sport, dport;
	/* Of the IP packet; 0: as long as the message, which without WireGuard's is 32 bytes. */
	__u32 size;
	__u32 message;			/* enum message; 0: not WireGuard's, zeros */
	bool has_key;
	__u8 key[32]; /* the receiver's public key, for a handshake message's mac1 */
	/* The sender's index in an initiation or response, the receiver's in others. */
	__u32 index;
	__u8 ttl;
	bool df;
	/* A fragment, at this offset, of a datagram of `size` bytes in all. */
	bool fragment, more;
	__u32 offset;
	__u8 mac[2][6];			/* destination and source */
	__u32 n_vlans;
	__u16 vlan[2];			/* the outer one first */
};

/* Makes the frame. Returns its length, or -EINVAL: size has no room for the headers, or is longer
 * than max. */
int packet_make(const struct packet_wish *w, __u8 *frame, size_t max);
