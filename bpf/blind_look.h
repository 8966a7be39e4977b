/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A packet for the blind relay, brought into guard_scratch: as message.h does for a service, but always WireGuard's own headers. Part of
 * blind.h.
 */
#ifndef WGXDP_BLIND_LOOK_H
#define WGXDP_BLIND_LOOK_H

#include "message.h"

static const struct guard blind_headers CONSTANT = {
	.header = { from_le32(MESSAGE_INITIATION), from_le32(MESSAGE_RESPONSE), from_le32(MESSAGE_COOKIE), from_le32(MESSAGE_DATA) },
};

/* Which message s->payload has; 0: none, or one that is not whole */
INLINE int blind_read(void *ctx, enum plane plane)
{
	struct guard_scratch *s = guard_scratch_find();

	if (!s)
		return 0;
	message_find(s, &blind_headers, ctx, plane);
	return s->kind && !message_read(s, ctx, plane) && (s->segments == 1 || s->kind == MESSAGE_DATA) ? s->kind : 0;
}

/* 0: all segments are data of one session */
INLINE int blind_read_segments(void *ctx, enum plane plane)
{
	struct guard_scratch *s = guard_scratch_find();

	if (!s)
		return -1;
	s->junk = 0;
	s->indices = 0;
	if (plane_read(ctx, plane, s->payload, s->message, 8))
		return -1;
	s->index = load_word(__u32, s->message + 4);
	return are_data(ctx, plane, s, &blind_headers) && !s->indices ? 0 : -1;
}

#ifdef WGXDP_HOST
INLINE int host_blind_look(const struct pkt *p)
{
	return blind_read(p->ctx, p->plane);
}

INLINE int host_blind_segments(const struct pkt *p)
{
	return blind_read_segments(p->ctx, p->plane);
}
#else
__attribute__((noinline)) int xdp_blind(struct xdp_md *ctx)
{
	return blind_read(ctx, PLANE_XDP);
}

__attribute__((noinline)) int tc_blind(struct __sk_buff *ctx)
{
	return blind_read(ctx, PLANE_TC);
}

__attribute__((noinline)) int tc_blind_all(struct __sk_buff *ctx)
{
	return blind_read_segments(ctx, PLANE_TC);
}

INLINE int xdp_blind_look(const struct pkt *p)
{
	return xdp_blind(p->ctx);
}

INLINE int tc_blind_look(const struct pkt *p)
{
	return tc_blind(p->ctx);
}

INLINE int xdp_blind_segments(const struct pkt *p)
{
	return 0;
}

INLINE int tc_blind_segments(const struct pkt *p)
{
	return tc_blind_all(p->ctx);
}
#endif

#endif
