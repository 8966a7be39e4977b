/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Internet checksums, updated incrementally (RFC 1624), for all steps that parse or rewrite. Sums
 * are over 16-bit words as they stand in memory, so they do not depend on the byte order (RFC
 * 1071).
 */
#pragma once

#include "pkt.h"

/* Folds a one's complement sum of up to 2^16 words to 16 bits. Returns 0 only for the sum 0. */
INLINE __u16 csum_fold(__u32 sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	return sum + (sum >> 16);
}

/* Folds a 64-bit one's complement sum to 16 bits. */
INLINE __u16 csum_fold64(__u64 sum)
{
	sum = (sum & 0xffffffff) + (sum >> 32);
	return csum_fold((sum & 0xffff) + (sum >> 16));
}

/* Compares a checksum with a sum as one's complement numbers, that is modulo 65,535. Neither may be
 * 0. The result is at most CSUM_SAME if and only if they are equal. Reason: the difference is
 * multiplied by the inverse of 65,535 modulo 2^64, and only multiples of 65,535 give so small a
 * product. */
#define CSUM_SAME (~0ULL / 0xffff)
INLINE __u64 csum_compare(__sum16 check, __u64 sum)
{
	return (sum + (__u16)~check) * 0xfffefffefffeffffULL;
}

/* Returns the checksum after a change: RFC 1624 eqn. 3, HC' = ~(~HC + delta), where delta is the
 * sum of ~old + new. */
INLINE __sum16 csum_add(__sum16 check, __u32 delta)
{
	return ~csum_fold((__u16)~check + delta);
}

#define NO_CHANGE 0xffff		/* sum of ~old + new for an unchanged word */

/* Does the same as csum_add(), but returns 0xffff instead of 0, which in UDP means "no checksum"
 * (RFC 768). */
INLINE __sum16 csum_add_udp(__sum16 check, __u32 delta)
{
	return csum_add(check, delta) ?: 0xffff;
}

/* Returns the sum of the addresses for the UDP pseudo header (RFC 768, RFC 8200 section 8.1), not
 * folded. */
INLINE __u64 csum_pseudo4(__be32 src, __be32 dst)
{
	return (__u64)src + dst;
}

INLINE __u64 csum_pseudo6(const struct ipv6hdr *ip)
{
	__u64 sum = 0;

#pragma unroll
	for (int i = 0; i < 4; i++)
		sum += (__u64)load_word(__u32, &ip->saddr.s6_addr32[i]) +
		       load_word(__u32, &ip->daddr.s6_addr32[i]);
	return sum;
}

/* Returns the folded sum of an address. The prefix ::ffff of a mapped IPv4 address adds nothing to
 * it. */
INLINE __u16 addr_sum(const struct addr *a)
{
	__u64 sum = 0;

#pragma unroll
	for (int i = 0; i < 4; i++)
		sum += a->w[i];
	return csum_fold64(sum);
}

/* Returns new - old of two addresses in one's complement, folded. */
INLINE __u16 addr_delta(const struct addr *old, const struct addr *new)
{
	return csum_fold((__u16)~addr_sum(old) + addr_sum(new));
}
