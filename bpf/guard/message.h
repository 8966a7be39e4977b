/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The guard, first part: recognises the four WireGuard messages by type, reserved bytes and length.
 * AmneziaWG replaces the first word of each type by a number, or by any number of a range, and may
 * put junk bytes in front. Plain data is recognised in the packet; other messages are copied to
 * s->guard. The blind relay uses this too.
 *
 * guard_original() and guard_reply() (guard.h) call it, and then guard_check() (check.h).
 * Reads:  the packet, s->l4, len, segments; the map guards.
 * Writes: s->guard.kind, message, index, indices, junk.
 */
#pragma once

#include "fragment/too_big.h"		/* for gso_size() */
#include "guard/check.h"

/* Returns whether a message of this kind may have this length. Data may have any: WireGuard pads it
 * to a multiple of 16, but not beyond its device's MTU. A full packet at the default MTU of 1420
 * makes a message of 1452 bytes. */
INLINE bool length_fits(__u32 kind, __u32 len)
{
	if (kind == MESSAGE_DATA)
		return len >= DATA_LEN;
	return len == (kind == MESSAGE_INITIATION ? INITIATION_LEN :
		       kind == MESSAGE_RESPONSE ? RESPONSE_LEN : COOKIE_LEN);
}

/* Returns whether a message of this kind may begin with these four bytes. WireGuard's own messages
 * need only the first comparison. */
INLINE bool header_fits(const struct guard *g, __u32 kind, __u32 word)
{
	__u32 header = g->header[kind - 1];

	return word == header || from_le32(word) - from_le32(header) <= g->span[kind - 1];
}

/* Returns true for an unfragmented packet with data without junk, if its first 8 bytes are in the
 * linear part. Nearly every packet is of this kind. */
INLINE bool is_plain_data(const struct pkt *p, const struct guard *g, const struct udphdr *udp)
{
	const void *head = at(p, p->s->l4 + sizeof(*udp), 8);

	return head && p->s->segments == 1 && !p->s->fragment && !(g->flags & GUARD_JUNK) &&
	       header_fits(g, MESSAGE_DATA, load_word(__u32, head)) &&
	       length_fits(MESSAGE_DATA, bpf_ntohs(udp->len) - sizeof(*udp));
}

/* Returns the length of the UDP payload by its header; for GSO, that of all segments but the
 * last. */
INLINE __u32 message_length(const struct pkt *p, const struct udphdr *udp)
{
	return p->s->segments > 1 ? p->s->segment_len - (p->s->l4 - p->s->l3) - sizeof(*udp) :
				    bpf_ntohs(udp->len) - sizeof(*udp);
}

/* Stores the position of the payload for guard_read() and blind_read(): where it starts, its length
 * according to the UDP header, and where the packet ends. */
INLINE void message_locate(struct pkt *p, const struct udphdr *udp)
{
	struct guard_work *s = &p->s->guard;

	s->payload = p->s->l4 + sizeof(*udp);
	s->len = message_length(p, udp);
	s->end = p->s->l3 + p->s->len;
	s->segments = p->s->segments;
}

/* Finds the first message type whose first word and length match. Sets s->kind to it (0: none), and
 * copies the first 8 bytes of s->message. */
INLINE void message_find(struct pkt *p, const struct guard *g)
{
	struct guard_work *s = &p->s->guard;

	s->kind = 0;
#pragma clang loop unroll(disable)
	for (__u32 kind = MESSAGE_INITIATION; kind <= MESSAGE_DATA && !s->kind; kind++) {
		__u32 junk = g->junk[kind - 1];

		if (s->len < junk || !length_fits(kind, s->len - junk) ||
		    plane_read(p, s->payload + junk, s->message, 8) ||
		    !header_fits(g, kind, load_word(__u32, s->message)))
			continue;
		s->kind = kind;
		s->junk = junk;
	}
	s->index = load_word(__u32, s->message + 4);
}

/* Copies a whole handshake message. Returns 0 or a negative value. Bytes of the frame behind the IP
 * packet do not count, because they will not be sent. */
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

#define SEGMENTS_MAX 128 /* segments of a GSO packet at most (UDP_MAX_SEGMENTS of newer kernels) */

/* tc: returns whether all segments of a GSO packet are data. Each segment must start with the same
 * junk and header, and the last segment must have a length that data may have. */
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
		    !header_fits(g, MESSAGE_DATA, load_word(__u32, s->message)))
			return false;
		s->indices += load_word(__u32, s->message + 4) != s->index;
		done += size;
	}
	return done >= total;
}

/* Reads the message at s->payload. In an original, the message must be complete, and all segments
 * must be data. Returns 0 or a reason. */
INLINE int guard_read_step(struct pkt *p)
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
CALLED_STEP(with_guards, guard_read)
