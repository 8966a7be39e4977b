/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A packet in words, for people: addresses and ports, what it is, and what of it matters on the way.
 */
#pragma once
#include <stddef.h>
#include "lib/addr.h"

#define PACKET_WORDS 400

struct packet_words {
	char from[64], to[64];		/* ADDRESS:PORT, or an address; "" where it is no IP packet */
	char what[PACKET_WORDS];	/* "UDP, WireGuard data, 80 bytes, TTL 64" */
	__u32 message;			/* of UDP: enum message, as WireGuard has it; else 0 */
};

/* A frame of len bytes from its Ethernet header on; lengths in words are those of the IP packet */
void packet_words(const void *frame, size_t len, struct packet_words *ret);
/* Source and destination; family 0 where it is no IP packet, port 0 where none can be read */
void packet_ends(const void *frame, size_t len, struct address *src, __be16 *sport, struct address *dst, __be16 *dport);
const char *message_name(__u32 message);	/* "data"; "" for 0 */
