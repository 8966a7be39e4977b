/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A packet in words, for people: addresses and ports, what it is, and what of it matters on the way.
 */
#pragma once
#include <stddef.h>
#include "abi.h"

#define PACKET_WORDS 400

struct packet_words {
	char from[64], to[64];		/* ADDRESS:PORT, or an address; "" where it is no IP packet */
	char what[PACKET_WORDS];	/* "UDP, WireGuard data, 80 bytes, TTL 64" */
	__u32 message;			/* of UDP: enum message, as WireGuard has it; else 0 */
};

/* A frame of len bytes from its Ethernet header on; lengths in words are those of the IP packet */
void packet_words(const void *frame, size_t len, struct packet_words *ret);
const char *message_name(__u32 message);	/* "data"; "" for 0 */
