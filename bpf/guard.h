/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * guard: of services that ask for it, what is no WireGuard message ends here. Data of the right shape costs a look at 4 bytes; the
 * few handshake messages are looked at by guard_look() (message.h), and remembered by guard_make() when they are sent.
 */
#ifndef WGXDP_GUARD_H
#define WGXDP_GUARD_H

#include "guard_make.h"
#include "message.h"
#include "table.h"

/* Of an original */
INLINE void guard_client(const struct pkt *p, struct guard_scratch *s)
{
	s->original = true;
	s->client.addr = p->src;
	s->client.port = p->sport;
	s->client.id = s->id;
	s->client.pad = 0;
}

/* Data of one whom the backend has answered: the one lookup of a strict service */
INLINE bool guard_knows(struct guard_scratch *s)
{
	const struct answered *a = bpf_map_lookup_elem(&answered, &s->client);

	if (!a || bpf_jiffies64() >= a->until)
		return false;
	s->backend = a->backend;
	return true;
}

/* What goes to a backend: 0 or a reason; s->backend */
INLINE int guard_original(struct pkt *p, const struct guard *g, struct guard_scratch *s, const struct udphdr *udp)
{
	__u32 more = g->flags & (GUARD_STRICT | GUARD_BACKENDS);
	bool data = is_plain_data(p, g, udp);
	int rc;

	if (data && !more)
		return 0;
	guard_client(p, s);
	if (data && more == GUARD_STRICT && guard_knows(s))
		return 0;
	s->local = p->dst;
	s->local_port = p->dport;
	s->ifindex = p->ifindex;
	message_where(p, s, udp);
	rc = plane(p, guard_look) ?: guard_check();
	s->remember = !rc && (s->kind == MESSAGE_INITIATION || s->kind == MESSAGE_RESPONSE);
	return rc;
}

/* An error, and a later fragment, say nothing: of several backends they are for the client's last one */
INLINE int guard_follow(struct pkt *p, const struct guard *g, struct guard_scratch *s)
{
	if (!(g->flags & GUARD_BACKENDS))
		return 0;
	guard_client(p, s);
	return guard_knows(s) ? 0 : -DROP_guard_stranger;
}

/* A message for another backend than the one that listeners name: the entry of that one */
INLINE int guard_choose(struct pkt *p, struct guard_scratch *s)
{
	const struct table_entry *entry;

	if (!s->backend)
		return 0;
	s->table_key.addr = p->dst;
	s->table_key.word = table_word(KEY_SERVICE, p->family, p->dport, p->ifindex) + table_backend(s->backend & 63);
	entry = table_find(&s->table_key);
	if (!entry)
		return -DROP_guard_stranger;
	p->service = &entry->service;
	p->to = entry->service.to;
	p->to_port = entry->service.port;
	p->delta = entry->service.delta;
	return 0;
}

/* What is asked of the packet's service; NULL: nothing */
INLINE const struct guard *guard_begin(const struct pkt *p, struct guard_scratch *s)
{
	const struct guard *g;

	s->id = p->service->id;
	g = guard_of(s);
	return g && g->flags & GUARD_ON ? g : NULL;
}

/* Of an original, after classify: what it comes to is said by resolve, unless something is wrong before */
INLINE void guard_find(struct pkt *p)
{
	struct guard_scratch *s = guard_scratch_find();
	const struct guard *g;
	const struct udphdr *udp;

	if (!s)
		return;
	s->says = 0;
	s->remember = 0;
	s->backend = 0;
	if (p->direction == DIRECTION_REPLY || p->held)
		return;
	g = guard_begin(p, s);
	if (!g)
		return;
	udp = at(p, p->l4, sizeof(*udp));
	s->says = p->quote || is_later(p) ? guard_follow(p, g, s) : udp ? guard_original(p, g, s, udp) : -DROP_guard_shape;
	if (!s->says && g->flags & GUARD_BACKENDS)
		s->says = guard_choose(p, s);
}

INLINE int guard_says(void)
{
	const struct guard_scratch *s = guard_scratch_find();

	return s ? s->says : -DROP_guard_busy;
}

/* What a backend sends: with what it begins a session, that is remembered */
INLINE void guard_reply(struct pkt *p, struct guard_scratch *s)
{
	const struct guard *g = guard_begin(p, s);
	const struct udphdr *udp = at(p, p->l4, sizeof(*udp));

	if (!g || !udp || p->quote || is_later(p) || is_plain_data(p, g, udp))
		return;
	s->original = false;
	s->client.id = s->id;
	s->client.pad = 0;
	s->client.addr = p->dst;
	s->client.port = p->dport;
	s->backend = p->service->flags >> SERVICE_BACKEND_SHIFT;
	if (p->way) {
		s->client.addr = p->way->way.dst;
		s->client.port = p->way->way.dport;
		s->backend = p->way->backend;
	}
	message_where(p, s, udp);
	if (is_across(p))		/* p->len is still that of the other family's packet */
		s->end = p->l4 + p->way->across.payload;
	s->remember = !plane(p, guard_look) && s->kind && s->kind != MESSAGE_DATA;
}

/* When it is about to be sent */
INLINE int guard_commit(struct pkt *p)
{
	struct guard_scratch *s = guard_scratch_find();

	if (!s)
		return 0;
	if (p->direction == DIRECTION_REPLY && p->service->flags & SERVICE_QUIET)
		return -DROP_guard_standby;
	if (p->direction == DIRECTION_REPLY)
		guard_reply(p, s);
	return s->remember ? guard_make() : 0;
}

#endif
