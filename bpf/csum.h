/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Internet checksums, incremental (RFC 1624). Sums are over 16-bit words as they stand in memory, so byte order does not
 * matter (RFC 1071).
 */
#ifndef WGXDP_CSUM_H
#define WGXDP_CSUM_H

#include "pkt.h"

/* One's complement sum of up to 2^16 words, folded: 1 … 0xffff for anything but 0 */
INLINE __u16 csum_fold(__u32 sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	return sum + (sum >> 16);
}

/* Likewise of 64 bits */
INLINE __u16 csum_fold64(__u64 sum)
{
	sum = (sum & 0xffffffff) + (sum >> 32);
	return csum_fold((sum & 0xffff) + (sum >> 16));
}

/* How check compares to a sum, unfolded, in one product: where neither is 0, they are the same if they are so modulo 65,535; and
 * of that number's multiples alone the product with its inverse modulo 2^64 is at most CSUM_SAME. */
#define CSUM_SAME (~0ULL / 0xffff)
INLINE __u64 csum_compare(__sum16 check, __u64 sum)
{
	return (sum + (__u16)~check) * 0xfffefffefffeffffULL;
}

/* RFC 1624 eqn. 3: HC' = ~(~HC + delta), delta = new - old in one's complement, that is ~old + new, summed */
INLINE __sum16 csum_add(__sum16 check, __u32 delta)
{
	return ~csum_fold((__u16)~check + delta);
}

#define NO_CHANGE 0xffff		/* ~old + new of a word that stays */

/* A UDP checksum may not become 0, which says "none" (RFC 768) */
INLINE __sum16 csum_add_udp(__sum16 check, __u32 delta)
{
	return csum_add(check, delta) ?: 0xffff;
}

/* The pseudo header's sum (RFC 768, RFC 8200 8.1) as far as the addresses go, not folded */
INLINE __u64 csum_pseudo4(__be32 src, __be32 dst)
{
	return (__u64)src + dst;
}

INLINE __u64 csum_pseudo6(const struct ipv6hdr *ip)
{
	__u64 sum = 0;

#pragma unroll
	for (int i = 0; i < 4; i++)
		sum += (__u64)load_word(__u32, &ip->saddr.s6_addr32[i]) + load_word(__u32, &ip->daddr.s6_addr32[i]);
	return sum;
}

/* With protocol and length, folded */
INLINE __u16 csum_pseudo(__u64 addresses, __be16 len)
{
	return csum_fold64(addresses + len + bpf_htons(IPPROTO_UDP));
}

#endif
