/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * guard: of services that ask for it, what is no WireGuard message ends here. Data of the right shape costs a look at 4 bytes; the
 * few handshake messages are brought into a map and looked at by guard_check(), and remembered by guard_make() when they are sent.
 */
#ifndef WGXDP_GUARD_H
#define WGXDP_GUARD_H

#include "guard_check.h"
#include "guard_make.h"
#include "segments.h"
#include "table.h"

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

/* A packet of several segments is data all through, or it is none */
INLINE bool is_data_all(const struct pkt *p, const struct guard *g, const struct guard_message *m)
{
	return m->kind == MESSAGE_DATA && guard_segments(p, m->at, g->junk[MESSAGE_DATA - 1], g->header[MESSAGE_DATA - 1]);
}

/* Of an original */
INLINE void guard_client(const struct pkt *p, struct guard_scratch *s)
{
	s->original = true;
	s->client.addr = p->src;
	s->client.port = p->sport;
	s->client.id = p->service->id;
	s->client.pad = 0;
}

/* Data of one whom the backend has answered: the one lookup of a strict service */
INLINE bool guard_knows(struct guard_scratch *s)
{
	const struct answered *a = bpf_map_lookup_elem(&answered, &s->client);

	return a && bpf_jiffies64() < a->until;
}

/* What goes to a backend: 0 or a reason; s->backend */
INLINE int guard_original(struct pkt *p, const struct guard *g, struct guard_scratch *s, struct guard_message *m)
{
	__u16 more = g->flags & (GUARD_STRICT | GUARD_BACKENDS);

	if (m->kind == MESSAGE_DATA && !more)
		return 0;
	guard_client(p, s);
	s->kind = m->kind;
	s->index = m->index;
	s->backend = 0;
	s->segments = p->segments;
	if (m->kind == MESSAGE_DATA && more == GUARD_STRICT && guard_knows(s))
		return 0;
	if (m->kind == MESSAGE_INITIATION || m->kind == MESSAGE_RESPONSE) {
		if (m->kind == MESSAGE_INITIATION ? guard_read(p, m->at, s->message, INITIATION_LEN) :
		    guard_read(p, m->at, s->message, RESPONSE_LEN))
			return -DROP_guard_shape;
		s->local = p->dst;
		s->local_port = p->dport;
		s->ifindex = p->ifindex;
		p->guard = s;
	}
	return guard_check();
}

/* A message for another backend than the first: the entry of that one */
INLINE int guard_choose(struct pkt *p, __u32 backend)
{
	struct table_key key = { p->dst, table_word(KEY_SERVICE, p->family, p->dport, p->ifindex) + table_backend(backend & 63) };
	const struct table_entry *entry;

	if (!backend)
		return 0;
	entry = table_find(&key);
	if (!entry)
		return -DROP_guard_stranger;
	p->backend = backend;
	p->service = &entry->service;
	p->to = entry->service.to;
	p->to_port = entry->service.port;
	p->delta = entry->service.delta;
	return 0;
}

/* What a backend sends: nothing is refused; with what it begins a session, that is remembered */
INLINE void guard_reply(struct pkt *p, struct guard_scratch *s, struct guard_message *m)
{
	if (m->kind == MESSAGE_DATA || !m->kind || guard_read(p, m->at, s->message, 16))
		return;
	s->kind = m->kind;
	s->index = m->index;
	s->backend = p->backend;
	p->guard = s;
}

/* After classify. An error, and a later fragment, say nothing: of several backends they are for the client's last one. */
INLINE int guard_find(struct pkt *p)
{
	__u32 id = p->service->id;
	const struct guard *g = bpf_map_lookup_elem(&guards, &id);
	struct guard_scratch *s = guard_scratch_find();
	bool original = p->direction == DIRECTION_ORIGINAL;
	struct guard_message m = { 0 };

	if (!original)
		p->backend = p->service->flags >> SERVICE_BACKEND_SHIFT;
	if (!g || !s || !(g->flags & GUARD_ON) || p->held)
		return 0;
	if (p->quote || is_later(p)) {
		if (!original || !(g->flags & GUARD_BACKENDS))
			return 0;
		guard_client(p, s);
		s->kind = 0;
		s->segments = 2;	/* no index */
		return guard_check() ? 0 : guard_choose(p, s->backend);
	}
	message_find(p, g, &m);
	if (!original) {
		guard_reply(p, s, &m);
		return 0;
	}
	if (!m.kind || (p->segments > 1 && !is_data_all(p, g, &m))) {
		p->guard_says = -DROP_guard_shape;
		return 0;
	}
	p->guard_says = guard_original(p, g, s, &m);
	if (!p->guard_says && g->flags & GUARD_BACKENDS)
		p->guard_says = guard_choose(p, s->backend);
	return 0;
}

/* When it is about to be sent */
INLINE int guard_commit(struct pkt *p)
{
	struct guard_scratch *s = p->guard;

	if (!s)
		return 0;
	if (p->direction == DIRECTION_REPLY) {
		s->original = false;
		s->client.id = p->service->id;
		s->client.pad = 0;
		s->client.addr = p->dst;
		s->client.port = p->dport;
		if (p->way) {
			s->client.addr = p->way->way.dst;
			s->client.port = p->way->way.dport;
		}
	}
	return guard_make();
}

#endif
