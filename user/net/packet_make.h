/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A UDP packet made up from what somebody says of it: addresses, ports, what of WireGuard's it carries, and what may be odd about it.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include "lib/addr.h"

struct packet_wish {
	struct address from, to;	/* of one family */
	__be16 sport, dport;
	__u32 size;			/* of the IP packet; 0: as long as the message is, data 32 bytes */
	__u32 message;			/* enum message; 0: none of WireGuard's, zeros */
	bool has_key;
	__u8 key[32];			/* public: whom a handshake message is for, by mac1 */
	__u32 index;			/* sender's of an initiation or response, receiver's of others */
	__u8 ttl;
	bool df;
	bool fragment, more;		/* a piece of a datagram that is `size` bytes long with all of it: at this offset */
	__u32 offset;
	__u8 mac[2][6];			/* destination and source */
	__u32 n_vlans;
	__u16 vlan[2];			/* the outer one first */
};

/* Its frame: how long, or -EINVAL where size has no room for the headers, or is longer than max */
int packet_make(const struct packet_wish *w, __u8 *frame, size_t max);
