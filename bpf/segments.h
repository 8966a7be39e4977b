/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What the guard asks of a GSO packet, whose segments become packets of their own later: each must be data. Part of guard.h.
 */
#ifndef WGXDP_SEGMENTS_H
#define WGXDP_SEGMENTS_H

#include "plane.h"

#define SEGMENTS_MAX 128		/* UDP_MAX_SEGMENTS of newer kernels */

/* Whether one of the segments of size bytes, of total bytes from payload on, is no data: each begins with junk bytes and the header */
INLINE int segments_walk(void *ctx, enum plane plane, __u32 payload, __u32 total, __u32 size, __u32 junk, __u32 header)
{
	__u32 last = total % size, done = 0;

	if (last && (last < junk + DATA_LEN || (last - junk) & 15))
		return 1;
	for (int i = 0; i < SEGMENTS_MAX && done < total; i++) {
		__u32 word = 0;

		if (plane_read(ctx, plane, payload + done + junk, &word, sizeof(word)) || word != header)
			return 1;
		done += size;
	}
	return done < total;
}

#ifdef WGXDP_HOST
INLINE int host_segments(struct host_packet *ctx, __u32 payload, __u32 total, __u32 junk, __u32 header)
{
	return segments_walk(ctx, PLANE_TC, payload, total, ctx->gso_size ?: 1, junk, header);
}
#define are_segments host_segments
#else
__attribute__((noinline)) int tc_segments(struct __sk_buff *ctx, __u32 payload, __u32 total, __u32 junk, __u32 header)
{
	__u32 size = ctx->gso_size;

	return size && size <= 0xffff && total <= 0xffff ? segments_walk(ctx, PLANE_TC, payload, total, size, junk, header) : 1;
}
#define are_segments tc_segments
#endif

/* tc: of the message at an offset whether all segments of its packet are data */
INLINE bool guard_segments(const struct pkt *p, __u32 at, __u32 junk, __u32 header)
{
	__u32 payload = at - junk;

	if (p->plane != PLANE_TC)
		return false;
	return !are_segments(p->ctx, payload, p->l3 + p->len - payload, junk, header);
}

#endif
