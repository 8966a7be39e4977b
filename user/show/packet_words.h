/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Describes a packet for people: addresses, ports, its kind and what matters for forwarding.
 * Included by monitor.c and trace_describe.c.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include "lib/addr.h"

#define PACKET_WORDS 400

struct packet_words {
	char from[64], to[64];		/* ADDRESS:PORT, or an address; "": not IP */
	char what[PACKET_WORDS];	/* "UDP, WireGuard data, 80 bytes, TTL 64" */
	struct address end[2];		/* source, destination; family 0: not IP */
	__be16 port[2];			/* 0: not readable */
	bool udp; /* a UDP header with ports was read, so it is no later fragment */
	__u32 message;			/* UDP: the enum message that it looks like; otherwise 0 */
};

/* Describes a frame of len bytes from its Ethernet header on. The length in the words is the IP
 * packet's. */
void packet_words(const void *frame, size_t len, struct packet_words *ret);
const char *message_name(__u32 message);	/* "data"; "" for 0 */
