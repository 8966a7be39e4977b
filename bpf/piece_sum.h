/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Sums over what does not fit the stack, some bytes at a time, in the map pieces. Part of cut.h.
 */
#ifndef WGXDP_PIECE_SUM_H
#define WGXDP_PIECE_SUM_H

#include "pieces.h"

#define SUM_BYTES 512			/* at a time */

#ifdef WGXDP_HOST
INLINE __u64 bpf_csum_diff(const void *none, __u32 zero, const __be32 *of, __u32 size, __u32 seed)
{
	__u64 sum = seed;

	for (; size; size -= 4)
		sum += *of++;
	return sum % 0xffff;
}
#endif

/* A step of bpf_loop(): the next bytes of .rest from .l3 on are added to .sum; 0: go on */
INLINE long sum_some(void *ctx, enum plane plane)
{
	__u32 zero = 0, n;
	struct pieces *c = bpf_map_lookup_elem(&pieces, &zero);

	if (!c)
		return 1;
	n = c->rest < SUM_BYTES ? c->rest : SUM_BYTES;
	__builtin_memset(c->stash, 0, SUM_BYTES);
	if (!n || plane_read(ctx, plane, c->l3, c->stash, bounded(n, SUM_BYTES)))
		return 1;
	c->sum += bpf_csum_diff(NULL, 0, (void *)c->stash, SUM_BYTES, 0);
	c->l3 += n;
	c->rest -= n;
	return 0;
}

#endif
