/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Conditions as numbers, without a branch: the verifier walks all that follows once for each way of a branch whose outcome
 * lingers. Part of pkt.h.
 */
#ifndef WGXDP_CONDITION_H
#define WGXDP_CONDITION_H

#ifdef WGXDP_HOST
#define opaque(x)
#else
#define opaque(x) barrier_var(x)	/* or clang makes a branch of it again */
#endif

/* 1 or 0 */
INLINE __u64 is_zero(__u64 x)
{
	x = ~x & (x - 1);
	opaque(x);
	return x >> 63;
}

/* x below 2^bits, which it is: 6.1 forgets that where it was on the stack */
INLINE __u64 within(__u64 x, __u32 bits)
{
	opaque(x);
	return x & ((1ULL << bits) - 1);
}

/* Of numbers under 2^63 */
INLINE __u64 below(__u64 a, __u64 b)
{
	a -= b;
	opaque(a);
	return a >> 63;
}

#endif
