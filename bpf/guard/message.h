/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * guard, its first part: which of WireGuard's four messages a packet is, by type, reserved bytes
 * and length. In AmneziaWG's messages the types are other words, and bytes (junk) may stand in
 * front. Plain data is recognized in place; any other message is read into s->guard. The blind
 * relay uses it too.
 *
 * Before: guard_original() or guard_reply() (guard.h). After: guard_check() (check.h).
 * Reads:  the packet, s->l4, len, segments; the map guards.
 * Writes: s->guard.kind, message, index, indices, junk.
 */
#pragma once

#include "fragment/cut.h"		/* gso_size() */
#include "guard/check.h"

/* Tells whether a message of this kind may have this length. WireGuard pads data to a multiple of
 * 16, but never beyond its device's MTU: a full packet of its default MTU, 1420, makes a message of
 * 1452 bytes. */
INLINE bool length_fits(__u32 kind, __u32 len)
{
	if (kind == MESSAGE_DATA)
		return len >= DATA_LEN;
	return len == (kind == MESSAGE_INITIATION ? INITIATION_LEN :
		       kind == MESSAGE_RESPONSE ? RESPONSE_LEN : COOKIE_LEN);
}

/* True for data without junk, in one piece and one packet, with its first 8 bytes in reach: nearly
 * every packet */
INLINE bool is_plain_data(const struct pkt *p, const struct guard *g, const struct udphdr *udp)
{
	const void *head = at(p, p->s->l4 + sizeof(*udp), 8);

	return head && p->s->segments == 1 && !p->s->fragment && !(g->flags & GUARD_JUNK) &&
	       load_word(__u32, head) == g->header[MESSAGE_DATA - 1] &&
	       length_fits(MESSAGE_DATA, bpf_ntohs(udp->len) - sizeof(*udp));
}

/* Returns the length of UDP's payload, as UDP's header claims; of GSO, that of each segment but the
 * last */
INLINE __u32 message_length(const struct pkt *p, const struct udphdr *udp)
{
	return p->s->segments > 1 ? p->s->segment_len - (p->s->l4 - p->s->l3) - sizeof(*udp) :
				    bpf_ntohs(udp->len) - sizeof(*udp);
}

/* Tells guard_look() and blind_look() where the payload begins, its claimed length, and where the
 * packet ends */
INLINE void message_locate(struct pkt *p, const struct udphdr *udp)
{
	struct guard_work *s = &p->s->guard;

	s->payload = p->s->l4 + sizeof(*udp);
	s->len = message_length(p, udp);
	s->end = p->s->l3 + p->s->len;
	s->segments = p->s->segments;
}

/* Finds the first kind whose header and length fit. Sets s->kind (0: none) and s->message. */
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

/* Reads all of a handshake message. Returns 0 or negative. Bytes that the frame has behind the
 * packet are not read: they will not be sent. */
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

/* tc: tells whether all segments of a GSO packet are data: each begins with the same junk and
 * header, and the last one has a length that data may have. */
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

/* Reads the message at s->payload. An original's message must be complete, and all its segments
 * data. Returns 0 or a reason. */
INLINE int guard_look_step(struct pkt *p)
{
	struct guard_work *s = &p->s->guard;
	const struct guard *g = guard_find(s);

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
