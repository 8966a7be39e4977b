/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Which of WireGuard's four messages a packet is, by type, reserved bytes and length; or AmneziaWG's, whose types are other words
 * and which may have bytes in front. Part of guard.h.
 */
#ifndef WGXDP_MESSAGE_H
#define WGXDP_MESSAGE_H

#include "plane.h"

struct guard_message {
	__u32 kind;			/* enum message; 0: none of them */
	__u32 at;			/* offset of its type */
	__u32 index;			/* the word behind it */
};

INLINE int guard_read(const struct pkt *p, __u32 off, void *to, __u32 n)
{
	return plane_read(p->ctx, p->plane, off, to, n);
}

/* The first 8 bytes at off, of which nearly all are in reach */
INLINE bool guard_words(const struct pkt *p, __u64 off, __u32 words[2])
{
	const void *head = at(p, off, 8);

	if (!head)
		return !guard_read(p, off, words, 8);
	words[0] = load_word(__u32, head);
	words[1] = load_word(__u32, head + 4);
	return true;
}

/* Whether a message of this kind may be so long */
INLINE bool length_fits(__u32 kind, __u64 len)
{
	return kind == MESSAGE_DATA ? len >= DATA_LEN && !(len & 15) :
	       len == (kind == MESSAGE_INITIATION ? INITIATION_LEN : kind == MESSAGE_RESPONSE ? RESPONSE_LEN : COOKIE_LEN);
}

/* With bytes in front of some messages, each is looked for where it would be */
INLINE void message_behind_junk(const struct pkt *p, const struct guard *g, __u64 len, struct guard_message *m)
{
	__u32 words[2];

#pragma clang loop unroll(full)
	for (__u32 kind = MESSAGE_INITIATION; kind <= MESSAGE_DATA; kind++) {
		__u32 junk = g->junk[kind - 1];

		if (m->kind || len < junk || !length_fits(kind, len - junk) ||
		    guard_read(p, p->l4 + sizeof(struct udphdr) + junk, words, sizeof(words)) || words[0] != g->header[kind - 1])
			continue;
		m->kind = kind;
		m->at = p->l4 + sizeof(struct udphdr) + junk;
		m->index = words[1];
	}
}

INLINE void message_find(const struct pkt *p, const struct guard *g, struct guard_message *m)
{
	const struct udphdr *udp = at(p, p->l4, sizeof(*udp));
	__u64 len = p->segments > 1 ? p->segment_len - (p->l4 - p->l3) : udp ? bpf_ntohs(udp->len) : 0;
	__u32 words[2], kind;

	len -= sizeof(*udp);		/* far too long where there is no header */
	m->kind = 0;
	if (g->flags & GUARD_JUNK) {
		message_behind_junk(p, g, len, m);
		return;
	}
	if (!udp || !guard_words(p, p->l4 + sizeof(*udp), words))
		return;
	kind = words[0] == g->header[3] ? MESSAGE_DATA : words[0] == g->header[0] ? MESSAGE_INITIATION :
	       words[0] == g->header[1] ? MESSAGE_RESPONSE : words[0] == g->header[2] ? MESSAGE_COOKIE : 0;
	if (!kind || !length_fits(kind, len))
		return;
	m->kind = kind;
	m->at = p->l4 + sizeof(*udp);
	m->index = words[1];
}

#endif
