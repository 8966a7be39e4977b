/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Replies at speed: prefixes all of whose addresses have one next hop, so that the slot of that next hop answers for every
 * client in them. The daemon keeps them on netlink's word, and only while it lives are they believed: it says so by a heartbeat
 * for which the data path asks, so nobody wakes up while nothing is answered.
 */
#ifndef WGXDP_UNIFORM_H
#define WGXDP_UNIFORM_H

#include "link.h"

/* Asks the daemon for another heartbeat in time, at most twice a second */
INLINE void uniform_ask(struct control *c, __u64 now)
{
	struct signal signal = { .kind = SIGNAL_HEARTBEAT, .jiffies = now };

	if (now + tick_rate < c->heartbeat || now < c->asked)
		return;
	c->asked = now + tick_rate / 2;
	bpf_ringbuf_output(&signals, &signal, sizeof(signal), 0);
}

/* The next hop slot that answers for every client of this one's prefix, or 0: only the FIB knows. 16 bits of the address a
 * step: two are all of IPv4, three the usual prefix of a site in IPv6. */
INLINE __u32 uniform_slot(const struct pkt *p, struct control *c, __u64 now)
{
	__u8 family = family_out(p);
	struct addr client = client_of(p);
	__u64 bits, block = family == FAMILY_IPV4 ? UNIFORM_IPV4 : UNIFORM_IPV6;

	uniform_ask(c, now);
	if (now >= c->heartbeat)
		return 0;
	bits = family == FAMILY_IPV4 ? (__u64)bpf_ntohl(addr_to4(client)) << 32 : bpf_be64_to_cpu(client.q[0]);
#pragma unroll
	for (int i = 0; i < 3; i++) {
		__u32 index = block * UNIFORM_ROWS + (bits >> 53);
		const struct uniform_row *row = bpf_map_lookup_elem(&uniform, &index);
		__u16 answer = row ? row->slot[bits >> 48 & (UNIFORM_ROW - 1)] : 0;

		if (!(answer & UNIFORM_DEEPER))
			return answer ? uniform_slots + answer : 0;
		block = answer & ~UNIFORM_DEEPER;
		bits <<= 16;
	}
	return 0;
}

#endif
