/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * classify: original, where the destination is a service on this very link; reply, where the source is a backend. Both are one
 * lookup in the table; which of several listeners a reply goes back through is remembered per client, and only there.
 */
#ifndef WGXDP_SERVICE_H
#define WGXDP_SERVICE_H

#include "table.h"

INLINE struct choice_key choice_key(const struct pkt *p)
{
	bool original = p->direction == DIRECTION_ORIGINAL;

	return (struct choice_key){
		.client = original ? p->src : p->dst,
		.backend = original ? p->to : p->src,
		.client_port = original ? p->sport : p->dport,
		.backend_port = original ? p->to_port : p->sport,
		.family = p->family,
	};
}

/* A reply of a backend with several listeners: the one that this client used, if it is still a listener of this backend;
 * else, as for a client never seen, the first (which the reply's entry names). */
INLINE void service_chosen(struct pkt *p)
{
	struct choice_key key = choice_key(p);
	const struct choice *choice = bpf_map_lookup_elem(&choices, &key);
	const struct table_entry *entry;
	struct table_key listener;

	if (!choice)
		return;
	listener.addr = choice->addr;
	listener.word = table_word(KEY_SERVICE, p->family, choice->port, choice->ifindex);
	entry = table_find(&listener);
	if (!entry || entry->service.port != p->sport || entry->service.to.q[0] != p->src.q[0] ||
	    entry->service.to.q[1] != p->src.q[1])
		return;
	p->service = &entry->service;
	p->to = listener.addr;
	p->to_port = choice->port;
	p->delta = ~entry->service.delta;
}

/* Called when the packet is about to be sent: the listener that this client uses now */
INLINE void service_remember(const struct pkt *p)
{
	struct choice_key key = choice_key(p);
	struct choice now = { .addr = p->dst, .port = p->dport, .ifindex = p->ifindex };
	const struct choice *choice = bpf_map_lookup_elem(&choices, &key);

	if (choice && choice->addr.q[0] == now.addr.q[0] && choice->addr.q[1] == now.addr.q[1] &&
	    choice->port == now.port && choice->ifindex == now.ifindex)
		return;
	bpf_map_update_elem(&choices, &key, &now, BPF_ANY);
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
