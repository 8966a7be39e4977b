/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * classify: original, where the destination is a service on this very link; reply, where the source is a backend. Both are one
 * lookup in the table; which of several listeners a reply goes back through is remembered per client, and only there.
 */
#ifndef WGXDP_SERVICE_H
#define WGXDP_SERVICE_H

#include "table.h"

/* The client and backend of this packet. Keys of 44 bytes are made in a map of their own: the stack is small. */
INLINE struct choice_scratch *choice_scratch(const struct pkt *p)
{
	bool original = p->direction == DIRECTION_ORIGINAL;
	__u32 zero = 0;
	struct choice_scratch *s = bpf_map_lookup_elem(&scratch, &zero);

	if (!s)
		return NULL;
	s->key.client = original ? p->src : p->dst;
	s->key.backend = original ? p->to : p->src;
	s->key.client_port = original ? p->sport : p->dport;
	s->key.backend_port = original ? p->to_port : p->sport;
	s->key.family = p->family;
	return s;
}

/* A reply of a backend with several listeners: the one that this client used, if it is still a listener of this backend, or was
 * until a moment ago; else, as for a client never seen, the first (which the reply's entry names). */
INLINE void service_chosen(struct pkt *p)
{
	struct choice_scratch *s = choice_scratch(p);
	const struct table_entry *entry;
	const struct choice *choice;
	struct table_key listener;

	choice = s ? bpf_map_lookup_elem(&choices, &s->key) : NULL;
	if (!choice)
		return;
	listener.addr = choice->addr;
	listener.word = table_word(KEY_SERVICE, p->family, choice->port, choice->ifindex);
	if (p->guards)
		listener.word += table_backend(p->service->flags >> SERVICE_BACKEND_SHIFT);
	if (p->service->flags & SERVICE_OLD) {
		listener.addr = old_addr(&choice->addr, &p->src);
		listener.word ^= KEY_SERVICE ^ KEY_OLD;
	}
	entry = table_find(&listener);
	if (!entry || entry->service.port != p->sport || entry->service.to.q[0] != p->src.q[0] ||
	    entry->service.to.q[1] != p->src.q[1])
		return;
	p->service = &entry->service;
	p->to = choice->addr;
	p->to_port = choice->port;
	p->delta = ~entry->service.delta;
}

/* Called when the packet is about to be sent: the listener that this client uses now */
INLINE void service_remember(const struct pkt *p)
{
	struct choice_scratch *s = choice_scratch(p);
	const struct choice *choice;

	if (!s)
		return;
	choice = bpf_map_lookup_elem(&choices, &s->key);
	if (choice && choice->addr.q[0] == p->dst.q[0] && choice->addr.q[1] == p->dst.q[1] &&
	    choice->port == p->dport && choice->ifindex == p->ifindex)
		return;
	s->value.addr = p->dst;
	s->value.port = p->dport;
	s->value.ifindex = p->ifindex;
	bpf_map_update_elem(&choices, &s->key, &s->value, BPF_ANY);
}

/* Whether the service's lists keep this client out. It is the client that counts, also where a router on its way complains. */
INLINE int service_admits(const struct pkt *p)
{
	struct source_key key = { .prefixlen = 32 + 128, .id = bpf_htonl(SERVICE_LIST | p->service->id), .addr = p->src };
	const __u8 *verdict;

	if (p->quote)
		key.addr = p->quote->dst;
	verdict = bpf_map_lookup_elem(&source_trie, &key);
	return verdict && *verdict == LIST_DENY ? -DROP_denied : 0;
}

INLINE int classify(struct pkt *p)
{
	struct table_key key = { p->dst, table_word(KEY_SERVICE, p->family, p->dport, p->ifindex) };
	const struct table_entry *entry = table_find(&key);

	p->direction = DIRECTION_ORIGINAL;
	if (!entry) {
		key = (struct table_key){ p->src, table_word(KEY_REPLY, p->family, p->sport, 0) };
		entry = table_find(&key);
		p->direction = DIRECTION_REPLY;
	}
	if (!entry)
		return NOT_OURS;
	p->service = &entry->service;
	p->to = entry->service.to;
	p->to_port = entry->service.port;
	p->delta = entry->service.delta;
	if (with_choices && p->direction == DIRECTION_REPLY && entry->service.flags & SERVICE_CHOICE)
		service_chosen(p);
	return 0;
}

#endif
