/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * guard: of services that ask for it, what is no WireGuard message ends here. Data of the right shape costs a look at 4 bytes; the
 * few handshake messages are brought into a map and looked at by guard_check(), and remembered by guard_make() when they are sent.
 */
#ifndef WGXDP_GUARD_H
#define WGXDP_GUARD_H

#include "guard_check.h"
#include "guard_make.h"
#include "message.h"
#include "segments.h"
#include "table.h"

/* A packet of several segments is data all through, or it is none */
INLINE bool is_data_all(const struct pkt *p, const struct guard *g, const struct guard_message *m)
{
	return m->kind == MESSAGE_DATA && guard_segments(p, m->at, g->junk[MESSAGE_DATA - 1], g->header[MESSAGE_DATA - 1]);
}

/* A first fragment is looked at for as far as it goes: what a frame has behind it would say anything, and is not sent */
INLINE bool is_in_piece(const struct pkt *p, const struct guard_message *m)
{
	__u32 need = m->kind == MESSAGE_INITIATION ? INITIATION_LEN : m->kind == MESSAGE_RESPONSE ? RESPONSE_LEN : 8;

	return !p->fragment || m->at + need <= p->l3 + p->len;
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
		p->guard_says = guard_check();
		return p->guard_says ? 0 : guard_choose(p, s->backend);
	}
	message_find(p, g, &m);
	if (!original) {
		guard_reply(p, s, &m);
		return 0;
	}
	if (!m.kind || !is_in_piece(p, &m) || (p->segments > 1 && !is_data_all(p, g, &m))) {
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
