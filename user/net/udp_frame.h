/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Builds a UDP datagram with all its headers from Ethernet on, which the BPF program wgxdp_send
 * then sends (bpf/send_frame.h). The daemon uses it for cookie replies and for the blind relay.
 */
#pragma once
#include <stddef.h>
#include "abi.h"

#define UDP_FRAME_HEADERS (14 + 40 + 8)	/* Ethernet, IPv6, UDP, in bytes */

/* Writes the frame, with zeros as MAC addresses, and returns its length. Both addresses have the
 * same family, and frame has room for UDP_FRAME_HEADERS + n bytes. */
int udp_frame(__u8 *frame, const struct addr *src, __be16 sport, const struct addr *dst,
	      __be16 dport, const void *payload, size_t n);
