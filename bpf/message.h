/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Which of WireGuard's four messages a packet is, by type, reserved bytes and length; or AmneziaWG's, whose types are other words
 * and which may have bytes in front. What is no plain data is brought into guard_scratch and looked at by a global function of each
 * plane, verified once. Part of guard.h.
 */
#ifndef WGXDP_MESSAGE_H
#define WGXDP_MESSAGE_H

#include "guard_check.h"
#include "segments.h"

/* Whether a message of this kind may be so long */
INLINE bool length_fits(__u32 kind, __u64 len)
{
	return kind == MESSAGE_DATA ? len >= DATA_LEN && !(len & 15) :
	       len == (kind == MESSAGE_INITIATION ? INITIATION_LEN : kind == MESSAGE_RESPONSE ? RESPONSE_LEN : COOKIE_LEN);
}

/* Data without bytes in front, in one piece and one packet, with its first 8 bytes in reach: nearly all there is */
INLINE bool is_plain_data(const struct pkt *p, const struct guard *g, const struct udphdr *udp)
{
	const void *head = at(p, p->l4 + sizeof(*udp), 8);

	return head && p->segments == 1 && !p->fragment && !(g->flags & GUARD_JUNK) && load_word(__u32, head) == g->header[MESSAGE_DATA - 1] &&
	       length_fits(MESSAGE_DATA, bpf_ntohs(udp->len) - sizeof(*udp));
}

/* Of UDP's payload, as it claims; of GSO, of each but the last one */
INLINE __u64 message_length(const struct pkt *p, const struct udphdr *udp)
{
	return p->segments > 1 ? p->segment_len - (p->l4 - p->l3) - sizeof(*udp) : bpf_ntohs(udp->len) - sizeof(*udp);
}

/* What the pipeline says of a packet that guard_look() looks at: UDP's payload, how long it claims to be, and how far it goes here */
INLINE void message_where(const struct pkt *p, struct guard_scratch *s, const struct udphdr *udp)
{
	s->payload = p->l4 + sizeof(*udp);
	s->len = message_length(p, udp);
	s->end = p->l3 + p->len;
	s->segments = p->segments;
}

/* The first kind whose header and length are there: s->kind, its beginning in s->message */
INLINE void message_find(struct guard_scratch *s, const struct guard *g, void *ctx, enum plane plane)
{
	s->kind = 0;
#pragma clang loop unroll(disable)
	for (__u32 kind = MESSAGE_INITIATION; kind <= MESSAGE_DATA && !s->kind; kind++) {
		__u32 junk = g->junk[kind - 1];

		if (s->len < junk || !length_fits(kind, s->len - junk) || plane_read(ctx, plane, s->payload + junk, s->message, 8) ||
		    load_word(__u32, s->message) != g->header[kind - 1])
			continue;
		s->kind = kind;
		s->junk = junk;
	}
	s->index = load_word(__u32, s->message + 4);
}

/* All of a handshake message; of a first fragment no more than is in it: what a frame has behind it would say anything, and is not
 * sent. 0 or negative */
INLINE int message_read(struct guard_scratch *s, void *ctx, enum plane plane)
{
	__u32 at = s->payload + s->junk;

	if (s->kind != MESSAGE_INITIATION && s->kind != MESSAGE_RESPONSE)
		return at + 8 > s->end ? -1 : 0;
	if (at + (s->kind == MESSAGE_INITIATION ? INITIATION_LEN : RESPONSE_LEN) > s->end)
		return -1;
	return s->kind == MESSAGE_INITIATION ? plane_read(ctx, plane, at, s->message, INITIATION_LEN) :
					       plane_read(ctx, plane, at, s->message, RESPONSE_LEN);
}

/* What s->payload has; of an original also whether it is whole, and data all through where that is to be cut: 0 or a reason */
INLINE int guard_look(void *ctx, enum plane plane)
{
	struct guard_scratch *s = guard_scratch_find();
	const struct guard *g = s ? guard_of(s) : NULL;

	if (!s || !g)
		return -DROP_guard_busy;
	s->indices = 0;
	message_find(s, g, ctx, plane);
	if (!s->kind || message_read(s, ctx, plane))
		return -DROP_guard_shape;
	if (!s->original)
		return 0;
	if (s->segments > 1 && (s->kind != MESSAGE_DATA || !are_data(ctx, plane, s, g)))
		return -DROP_guard_shape;
	return 0;
}

#ifdef WGXDP_HOST
INLINE int host_guard_look(const struct pkt *p)
{
	return guard_look(p->ctx, p->plane);
}
#else
__attribute__((noinline)) int xdp_guard(struct xdp_md *ctx)
{
	return guard_look(ctx, PLANE_XDP);
}

__attribute__((noinline)) int tc_guard(struct __sk_buff *ctx)
{
	return guard_look(ctx, PLANE_TC);
}

INLINE int xdp_guard_look(const struct pkt *p)
{
	return xdp_guard(p->ctx);
}

INLINE int tc_guard_look(const struct pkt *p)
{
	return tc_guard(p->ctx);
}
#endif

#endif
