/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Which of WireGuard's four messages a packet is, by type, reserved bytes and length; or AmneziaWG's,
 * whose types are other words and which may have bytes in front (junk). Plain data is recognized in
 * place; anything else is brought into p->s->guard.
 */
#pragma once

#include "fragment/cut.h"		/* gso_size() */
#include "guard/check.h"

/* Whether a message of this kind may be so long. WireGuard pads data to a multiple of 16, but never
 * beyond its device's MTU: a full packet of its default MTU, 1420, makes a message of 1452 bytes. */
INLINE bool length_fits(__u32 kind, __u32 len)
{
	if (kind == MESSAGE_DATA)
		return len >= DATA_LEN;
	return len == (kind == MESSAGE_INITIATION ? INITIATION_LEN :
		       kind == MESSAGE_RESPONSE ? RESPONSE_LEN : COOKIE_LEN);
}

/* Data without junk, in one piece and one packet, with its first 8 bytes in reach: nearly every
 * packet */
INLINE bool is_plain_data(const struct pkt *p, const struct guard *g, const struct udphdr *udp)
{
	const void *head = at(p, p->s->l4 + sizeof(*udp), 8);

	return head && p->s->segments == 1 && !p->s->fragment && !(g->flags & GUARD_JUNK) &&
	       load_word(__u32, head) == g->header[MESSAGE_DATA - 1] &&
	       length_fits(MESSAGE_DATA, bpf_ntohs(udp->len) - sizeof(*udp));
}

/* The length of UDP's payload, as it claims; of GSO, of each segment but the last */
INLINE __u32 message_length(const struct pkt *p, const struct udphdr *udp)
{
	return p->s->segments > 1 ? p->s->segment_len - (p->s->l4 - p->s->l3) - sizeof(*udp) :
				    bpf_ntohs(udp->len) - sizeof(*udp);
}

/* Where guard_look() and blind_look() are to look: UDP's payload, how long it claims to be, and how
 * far it goes in this packet */
INLINE void message_where(struct pkt *p, const struct udphdr *udp)
{
	struct guard_work *s = &p->s->guard;

	s->payload = p->s->l4 + sizeof(*udp);
	s->len = message_length(p, udp);
	s->end = p->s->l3 + p->s->len;
	s->segments = p->s->segments;
}

/* The first kind whose header and length are there: s->kind, its beginning in s->message */
INLINE void message_find(struct pkt *p, const struct guard *g)
{
	struct guard_work *s = &p->s->guard;

	s->kind = 0;
#pragma clang loop unroll(disable)
	for (__u32 kind = MESSAGE_INITIATION; kind <= MESSAGE_DATA && !s->kind; kind++) {
		__u32 junk = g->junk[kind - 1];

		if (s->len < junk || !length_fits(kind, s->len - junk) ||
		    plane_read(p, s->payload + junk, s->message, 8) ||
		    load_word(__u32, s->message) != g->header[kind - 1])
			continue;
		s->kind = kind;
		s->junk = junk;
	}
	s->index = load_word(__u32, s->message + 4);
}

/* Reads all of a handshake message; 0 or negative. Of a first fragment it reads no more than is in
 * it: the bytes that a frame has behind that are not sent. */
INLINE int message_read(struct pkt *p)
{
	struct guard_work *s = &p->s->guard;
	__u32 at = s->payload + s->junk;

	if (s->kind != MESSAGE_INITIATION && s->kind != MESSAGE_RESPONSE)
		return at + 8 > s->end ? -1 : 0;
	if (at + (s->kind == MESSAGE_INITIATION ? INITIATION_LEN : RESPONSE_LEN) > s->end)
		return -1;
	return s->kind == MESSAGE_INITIATION ? plane_read(p, at, s->message, INITIATION_LEN) :
					       plane_read(p, at, s->message, RESPONSE_LEN);
}

#define SEGMENTS_MAX 128		/* UDP_MAX_SEGMENTS of newer kernels */

/* tc: whether all segments of a GSO packet are data. Each begins with the same junk and header, and
 * the last one has a length that data may have. */
INLINE bool are_data(struct pkt *p, const struct guard *g)
{
	struct guard_work *s = &p->s->guard;
	__u32 size = gso_size(p), total = s->end - s->payload, last, done = 0;

	if (p->plane != PLANE_TC || !size || size > 0xffff || total > 0xffff)
		return false;
	last = total % size;
	if (last && last < s->junk + DATA_LEN)
		return false;
#pragma clang loop unroll(disable)
	for (int i = 0; i < SEGMENTS_MAX && done < total; i++) {
		if (plane_read(p, s->payload + done + s->junk, s->message, 8) ||
		    load_word(__u32, s->message) != g->header[MESSAGE_DATA - 1])
			return false;
		s->indices += load_word(__u32, s->message + 4) != s->index;
		done += size;
	}
	return done >= total;
}

/* What message s->payload has; of an original also that it is whole, and that all segments are data:
 * 0 or a reason */
INLINE int guard_look_step(struct pkt *p)
{
	struct guard_work *s = &p->s->guard;
	const struct guard *g = guard_of(s);

	if (!g)
		return -DROP_guard_busy;
	s->indices = 0;
	message_find(p, g);
	if (!s->kind || message_read(p))
		return -DROP_guard_shape;
	if (s->original && s->segments > 1 && (s->kind != MESSAGE_DATA || !are_data(p, g)))
		return -DROP_guard_shape;
	return 0;
}
CALLED_STEP(with_guards, guard_look)
