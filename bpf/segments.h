/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What the guard asks of a GSO packet, whose segments become packets of their own later: each must be data. Part of message.h.
 */
#ifndef WGXDP_SEGMENTS_H
#define WGXDP_SEGMENTS_H

#include "plane.h"

#define SEGMENTS_MAX 128		/* UDP_MAX_SEGMENTS of newer kernels */

INLINE __u32 gso_size(const void *ctx)
{
#ifdef WGXDP_HOST
	return ((const struct host_packet *)ctx)->gso_size;
#else
	return ((const struct __sk_buff *)ctx)->gso_size;
#endif
}

/* tc: whether all segments from s->payload on are data: each begins with the same junk and header, and the last one is as long as
 * data may be */
INLINE bool are_data(void *ctx, enum plane plane, struct guard_scratch *s, const struct guard *g)
{
	__u32 size = plane == PLANE_TC ? gso_size(ctx) : 0, total = s->end - s->payload, last, done = 0;

	if (!size || size > 0xffff || total > 0xffff)
		return false;
	last = total % size;
	if (last && (last < s->junk + DATA_LEN || (last - s->junk) & 15))
		return false;
#pragma clang loop unroll(disable)
	for (int i = 0; i < SEGMENTS_MAX && done < total; i++) {
		if (plane_read(ctx, plane, s->payload + done + s->junk, s->message, 8) ||
		    load_word(__u32, s->message) != g->header[MESSAGE_DATA - 1])
			return false;
		s->indices += load_word(__u32, s->message + 4) != s->index;
		done += size;
	}
	return done >= total;
}

#endif
