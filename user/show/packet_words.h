/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Describes a packet for people: its addresses, ports and kind, and the fields that matter for
 * forwarding. monitor.c and trace_describe.c include it.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include "lib/addr.h"

#define PACKET_WORDS 400

struct packet_words {
	/* Source and destination: an address, with :PORT if there is one. "": no IP. */
	char from[64], to[64];
	char what[PACKET_WORDS]; /* such as "UDP, WireGuard data, 80 bytes, TTL 64" */
	struct address end[2];	/* source, destination; family 0: the frame is not IP */
	__be16 port[2];			/* source, destination; 0: not readable */
	bool udp; /* it has a UDP header, so is no later fragment */
	__u32 message;	/* for UDP: the type of WireGuard message it looks like; else 0 */
};

/* Describes a frame of len bytes, from its Ethernet header on. "bytes" in the text is the length of
 * the IP packet. */
void packet_words(const void *frame, size_t len, struct packet_words *ret);
/* Returns the name of a message type, such as "data"; "" for 0. */
const char *message_name(__u32 message);
