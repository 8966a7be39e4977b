/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The step find(): which service does a packet belong to? A packet is an original if its
 * destination is a listener on this link, and a reply if its source is a backend. Each is one table
 * lookup. If several listeners share a backend, the map `choices` tells which one a client uses.
 *
 * Runs after enter() and blind_find() (blind/blind.h), and before guard() (guard/guard.h).
 * Reads:  s->src, dst, ports, family, ifindex; the maps table, choices, source_trie, and those of
 *         lists.h.
 * Writes: s->service, has_service, direction; in leave the map choices.
 */
#pragma once

#include "learned_steps.h"
#include "lists.h"

LEARNED_FIND(with_choices, choices, 0)
LEARNED_STORE(with_choices, choices, CHOICE_LIVE_SECONDS)

/* Sets s->learned.key to the client and backend of the packet. */
INLINE void choice_set_key(struct pkt *p)
{
	bool original = p->s->direction == DIRECTION_ORIGINAL;
	struct choice_key *key = &learned_key(p->s)->choice;

	key->client = original ? p->s->src : p->s->dst;
	key->backend = original ? p->s->service.to : p->s->src;
	key->client_port = original ? p->s->sport : p->s->dport;
	key->backend_port = original ? p->s->service.port : p->s->sport;
	key->family = p->s->family;
}

/* Makes the listener that the client used the source of a reply, if it has this backend or had it
 * lately. If that listener is unknown, the source is the address of the backend's first listener,
 * from the reply's table entry. */
INLINE void service_find_choice(struct pkt *p)
{
	const struct choice *choice = &p->s->learned.value.choice;
	const struct table_entry *entry;
	struct table_key listener;

	choice_set_key(p);
	if (!choices_find(p->s))
		return;
	listener.addr = choice->addr;
	listener.word = table_word(KEY_SERVICE, p->s->family, choice->port, choice->ifindex);
	if (p->s->service.flags & SERVICE_OLD) {
		listener.addr = old_addr(&choice->addr, &p->s->src);
		listener.word ^= KEY_SERVICE ^ KEY_OLD;
	} else if (with_guards) {
		listener.word += table_backend(choice->backend);
	}
	entry = table_find(&listener);
	if (!entry || entry->service.port != p->s->sport ||
	    !addr_same(&entry->service.to, &p->s->src))
		return;
	p->s->service = entry->service;
	/* For service_remember(): this listener may be the backend's only one now. */
	p->s->service.flags |= SERVICE_CHOICE;
	p->s->service.to = choice->addr;
	p->s->service.port = choice->port;
	p->s->service.delta = ~entry->service.delta;
}

/* Called when the packet is about to be sent. For an original, records that the client uses this
 * listener. For a reply, makes that entry LIVE, so that new clients cannot displace it. */
INLINE void service_remember(struct pkt *p)
{
	bool original = p->s->direction == DIRECTION_ORIGINAL;
	struct choice *value;

	choice_set_key(p);
	if (!original) {
		if (!choices_find(p->s))
			return;
		p->s->learned.state = LEARNED_LIVE;
		p->s->learned.until = p->s->learned.now + learned_units(CHOICE_LIVE_SECONDS);
	} else {
		value = &learned_value(p->s, LEARNED_HALF, CHOICE_HALF_SECONDS)->choice;
		value->addr = p->s->dst;
		value->port = p->s->dport;
		value->backend = SERVICE_BACKEND(p->s->service.flags);
		value->ifindex = p->s->ifindex;
	}
	choices_store(p->s);
}

/* Called by resolve(). Returns 0 if the service's lists admit the client, otherwise a reason. */
INLINE int service_admits(const struct pkt *p)
{
	struct source_key key = {
		.prefixlen = 32 + 128, .id = bpf_htonl(SERVICE_LIST | p->s->service.id),
		.addr = listed_client(p->s),
	};
	const __u8 *found = bpf_map_lookup_elem(&source_trie, &key);
	__u8 verdict = found ? *found : LIST_ELSE_ALLOW;
	int rc = LISTS_SILENT;

	if (with_followed_lists && verdict > LIST_DENY)
		rc = lists_admit(p->s);
	/* The verifier knows no result of a called step, so a constant takes its place. */
	if (rc != LISTS_SILENT)
		return rc ? -DROP_denied : 0;
	return verdict == LIST_DENY || verdict == LIST_ELSE_DENY ? -DROP_denied : 0;
}

/* Finds the service of the packet. Returns 0, or NOT_OURS if it belongs to no service. */
INLINE int classify(struct pkt *p)
{
	struct table_key key = {
		p->s->dst, table_word(KEY_SERVICE, p->s->family, p->s->dport, p->s->ifindex),
	};
	const struct table_entry *entry = table_find(&key);

	p->s->direction = DIRECTION_ORIGINAL;
	if (!entry) {
		key.addr = p->s->src;
		key.word = table_word(KEY_REPLY, p->s->family, p->s->sport, 0);
		entry = table_find(&key);
		p->s->direction = DIRECTION_REPLY;
	}
	if (!entry)
		return NOT_OURS;
	p->s->service = entry->service;
	p->s->has_service = true;
	if (with_choices && p->s->direction == DIRECTION_REPLY &&
	    p->s->service.flags & SERVICE_CHOICE)
		service_find_choice(p);
	return 0;
}
