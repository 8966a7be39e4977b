/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The step guard(): for a service that asks for it, drops packets that are not valid WireGuard
 * messages. For data it compares four bytes and the length. Handshake messages are rare:
 * guard_read() (message.h) reads them, guard_check() (check.h) verifies them, and guard_make()
 * (make.h) records them when they are sent.
 *
 * guard() runs after find() (service.h) and before flow_way() (flow/flow.h). resolve() returns its
 * result, guard.says. guard_remember() runs in ready(), just before the packet is sent.
 * Reads:  s->service, direction, addresses, ports, pending_reason; the packet; the maps guards,
 *         answered.
 * Writes: s->guard; s->service, if another backend is to get the packet.
 */
#pragma once

#include "guard/make.h"
#include "guard/message.h"
#include "service.h"

/* Sets s->guard.client to the sender of an original. */
INLINE void guard_set_client(struct pkt *p)
{
	struct guard_work *s = &p->s->guard;

	s->original = true;
	s->client.addr = p->s->src;
	s->client.port = p->s->sport;
	s->client.id = s->id;
	s->client.what = 0;
}

/* Returns whether a backend has answered the client, and sets s->guard.backend to that backend. For
 * data to a strict service this lookup suffices. */
INLINE bool guard_knows_client(struct pkt_state *state)
{
	if (!guard_find_client(state))
		return false;
	state->guard.backend = state->learned.value.answered.backend;
	return true;
}

/* Inspects an original, and sets s->backend if the message selects one. Returns 0 or a reason. */
INLINE int guard_original(struct pkt *p, const struct guard *g, const struct udphdr *udp)
{
	__u32 more = g->flags & (GUARD_STRICT | GUARD_BACKENDS);
	struct guard_work *s = &p->s->guard;
	bool data = is_plain_data(p, g, udp);
	int rc;

	if (data && !more)
		return 0;
	guard_set_client(p);
	if (data && more == GUARD_STRICT && guard_knows_client(p->s))
		return 0;
	/* A client that the lists refuse must not use the time for hashing. */
	if (with_lists && !data && p->s->service.flags & SERVICE_LISTS && service_admits(p))
		return -DROP_denied;
	s->local = p->s->dst;
	s->local_port = p->s->dport;
	s->ifindex = p->s->ifindex;
	message_locate(p, udp);
	rc = guard_read(p) ?: guard_check(p->s);
	s->remember = !rc && (s->kind == MESSAGE_INITIATION || s->kind == MESSAGE_RESPONSE);
	return rc;
}

/* Handles ICMP errors and later fragments, which contain no message. If there are several backends,
 * it selects the backend that the client had last. */
INLINE int guard_follow_client(struct pkt *p, const struct guard *g)
{
	if (!(g->flags & GUARD_BACKENDS))
		return 0;
	guard_set_client(p);
	return guard_knows_client(p->s) ? 0 : -DROP_guard_stranger;
}

/* Replaces the listener's table entry by that of the chosen backend, unless it is of that backend.
 * With ipv6: direct, each backend's own address is a listener, which leads only to it. */
INLINE int guard_choose_backend(struct pkt *p)
{
	__u32 backend = p->s->guard.backend & (GUARD_BACKENDS_MAX - 1);
	const struct table_entry *entry;
	struct table_key key;

	if (backend == SERVICE_BACKEND(p->s->service.flags))
		return 0;
	if (!backend)			/* its entry would be this one */
		return -DROP_guard_stranger;
	key.addr = p->s->dst;
	key.word = table_word(KEY_SERVICE, p->s->family, p->s->dport, p->s->ifindex) +
		   table_backend(backend);
	entry = table_find(&key);
	if (!entry)
		return -DROP_guard_stranger;
	p->s->service = entry->service;
	return 0;
}

/* Returns the guard of the packet's service, or NULL if it has none. */
INLINE const struct guard *guard_load(struct pkt *p)
{
	const struct guard *g;

	p->s->guard.id = p->s->service.id;
	g = guard_find(&p->s->guard);
	return g && g->flags & GUARD_ON ? g : NULL;
}

/* Stores the result in guard.says; resolve() returns it unless an earlier check fails. */
INLINE int guard_step(struct pkt *p)
{
	struct guard_work *s = &p->s->guard;
	const struct udphdr *udp;
	const struct guard *g;

	s->says = 0;
	s->remember = 0;
	s->backend = 0;
	if (p->s->direction == DIRECTION_REPLY || p->s->pending_reason)
		return 0;
	g = guard_load(p);
	if (!g)
		return 0;
	udp = at(p, p->s->l4, sizeof(*udp));
	s->says = p->s->is_quote || is_later(p) ? guard_follow_client(p, g) :
		  udp ? guard_original(p, g, udp) : -DROP_guard_shape;
	if (!s->says && g->flags & GUARD_BACKENDS)
		s->says = guard_choose_backend(p);
	return 0;
}
INLINE_STEP(guard)

/* Called for a packet from the backend. A packet to a client that the backend has answered before
 * shows that the backend is alive. So the backend's counters of unanswered initiations become 0,
 * even if forged initiations raised them. If they are 0 already, this only reads one number. */
INLINE void health_clear(struct pkt_state *state)
{
	struct health *h = health_find(&state->guard);

	if (h && h->known_unanswered && guard_find_client(state))
		health_alive(h);
}

/* Inspects a packet from a backend. If it is a handshake message, guard_remember() will record
 * it. */
INLINE void guard_reply(struct pkt *p)
{
	const struct udphdr *udp = at(p, p->s->l4, sizeof(*udp));
	const struct guard *g = guard_load(p);
	struct guard_work *s = &p->s->guard;

	if (!g || !udp || p->s->is_quote || is_later(p))
		return;
	s->original = false;
	s->client.id = s->id;
	s->client.what = 0;
	s->client.addr = p->s->dst;
	s->client.port = p->s->dport;
	s->backend = SERVICE_BACKEND(p->s->service.flags);
	if (p->s->has_way) {
		s->client.addr = p->s->flow.way.dst;
		s->client.port = p->s->flow.way.dport;
		s->backend = p->s->flow.backend;
	}
	if (g->health_initiations)
		health_clear(p->s);
	if (is_plain_data(p, g, udp))
		return;
	message_locate(p, udp);
	if (is_nat64(p))		/* s->len is the length before the translation */
		s->end = p->s->l4 + p->s->flow.nat64.payload;
	s->remember = !guard_read(p) && s->kind && s->kind != MESSAGE_DATA;
}

/* Called when the packet is about to be sent: records handshake messages. Returns 0 or a reason. */
INLINE int guard_remember_step(struct pkt *p)
{
	if (p->s->direction == DIRECTION_REPLY && p->s->service.flags & SERVICE_QUIET)
		return -DROP_guard_standby;
	if (p->s->direction == DIRECTION_REPLY)
		guard_reply(p);
	return p->s->guard.remember ? guard_make(p->s) : 0;
}
INLINE_STEP(guard_remember)
