/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Internet checksums, updated incrementally (RFC 1624); the steps that parse and rewrite include
 * it. Sums are over 16-bit words as they stand in memory, so byte order does not matter (RFC
 * 1071).
 */
#pragma once

#include "pkt.h"

/* Folds a one's complement sum of up to 2^16 words: 1 to 0xffff for anything but 0 */
INLINE __u16 csum_fold(__u32 sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	return sum + (sum >> 16);
}

/* The same for 64 bits */
INLINE __u16 csum_fold64(__u64 sum)
{
	sum = (sum & 0xffffffff) + (sum >> 32);
	return csum_fold((sum & 0xffff) + (sum >> 16));
}

/* Compares check with a sum, both as numbers modulo 65,535 and neither of them 0. Returns at most
 * CSUM_SAME if they are equal: only multiples of 65,535 give so small a product with its inverse
 * modulo 2^64. */
#define CSUM_SAME (~0ULL / 0xffff)
INLINE __u64 csum_compare(__sum16 check, __u64 sum)
{
	return (sum + (__u16)~check) * 0xfffefffefffeffffULL;
}

/* RFC 1624 eqn. 3: HC' = ~(~HC + delta), where delta is the sum of ~old + new */
INLINE __sum16 csum_add(__sum16 check, __u32 delta)
{
	return ~csum_fold((__u16)~check + delta);
}

#define NO_CHANGE 0xffff		/* ~old + new of an unchanged word */

/* A UDP checksum must not become 0, which means "none" (RFC 768) */
INLINE __sum16 csum_add_udp(__sum16 check, __u32 delta)
{
	return csum_add(check, delta) ?: 0xffff;
}

/* The addresses' part of the pseudo header's sum (RFC 768, RFC 8200 8.1), not folded */
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

/* Adds protocol and length, and folds */
INLINE __u16 csum_pseudo(__u64 addresses, __be16 len)
{
	return csum_fold64(addresses + len + bpf_htons(IPPROTO_UDP));
}

/* Sums an address, folded. The prefix that makes an IPv4 address a struct addr adds nothing. */
INLINE __u16 addr_sum(const struct addr *a)
{
	__u64 sum = 0;

#pragma unroll
	for (int i = 0; i < 4; i++)
		sum += a->w[i];
	return csum_fold64(sum);
}

/* new - old of two addresses, in one's complement, folded */
INLINE __u16 addr_delta(const struct addr *old, const struct addr *new)
{
	return csum_fold((__u16)~addr_sum(old) + addr_sum(new));
}
