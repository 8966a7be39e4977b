/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A UDP datagram as it goes out on the wire, from its Ethernet header on, for wgxdp_answer to send
 * (bpf/answer.h). The daemon's cookie replies and blind relay use it.
 */
#pragma once
#include <stddef.h>
#include "abi.h"

#define UDP_FRAME_HEADERS (14 + 40 + 8)	/* Ethernet, IPv6, UDP */

/* Writes the frame, without MAC addresses, and returns its length. Both addresses are of one
 * family; frame has room for UDP_FRAME_HEADERS + n bytes. */
int udp_frame(__u8 *frame, const struct addr *src, __be16 sport, const struct addr *dst,
	      __be16 dport, const void *payload, size_t n);
