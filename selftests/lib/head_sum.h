/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The checksum of an IPv4 header without options (RFC 1071), for programs that make packets.
 */
#ifndef HEAD_SUM_H
#define HEAD_SUM_H

#include <linux/types.h>

/* ip: 20 bytes, with a checksum of 0. Returns the checksum in network order. */
static inline __u16 head_sum(const void *ip)
{
	const __u16 *w = ip;
	__u32 sum = 0;

	for (int i = 0; i < 10; i++)
		sum += w[i];
	sum = (sum & 0xffff) + (sum >> 16);
	return ~(sum + (sum >> 16));
}

#endif
