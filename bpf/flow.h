/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Flows: of a masquerading service each client has one, and each packet of it finds by one lookup what it is to leave as. What
 * few packets do (the first ones of a client and of the answer) is in flow_make.h. Nothing is written before resolve is done.
 */
#ifndef WGXDP_FLOW_H
#define WGXDP_FLOW_H

#include "flow_make.h"
#include "table.h"

INLINE void flow_take(struct pkt *p, struct flow_scratch *s, struct flow *flow)
{
	s->way.src = flow->src;
	s->way.dst = flow->dst;
	s->way.sport = flow->sport;
	s->way.dport = flow->dport;
	s->way.delta = flow->delta;
	s->way.family = flow->family;
	s->way.is_new = FLOW_KNOWN;
	p->flow = flow;
}

/* To the service's backend, or to be moved there. What quotes a reply that nobody got is no newcomer. */
INLINE int flow_of_original(struct pkt *p, struct flow_scratch *s, struct flow *flow)
{
	const struct service *service = p->service;

	s->id = service->id;
	s->ifindex = service->ifindex;
	if (flow && addr_same(&flow->dst, &service->to) && flow->dport == service->port) {
		flow_take(p, s, flow);
		return 0;
	}
	if (p->quote)
		return -PASS_no_flow;
	s->way.dst = service->to;
	s->way.dport = service->port;
	s->way.family = service->flags & SERVICE_TO_IPV6 ? FAMILY_IPV6 : FAMILY_IPV4;
	s->way.is_new = flow ? FLOW_MOVES : FLOW_NEWCOMER;
	return 0;
}

/* The listener at which the client is must still be one of this backend. Most backends have one alone. */
INLINE int flow_listener(struct pkt *p, struct flow_scratch *s)
{
	const struct service *service = p->service;
	const struct table_entry *entry;
	struct table_key key;

	if (!(service->flags & SERVICE_MASQUERADE) || !addr_same(&service->to, &s->way.src) || service->port != s->way.sport ||
	    service->ifindex != s->ifindex) {
		key.addr = s->way.src;
		key.word = table_word(KEY_SERVICE, s->way.family, s->way.sport, s->ifindex) + (p->guards ? table_backend(s->backend) : 0);
		entry = table_find(&key);
		if (!entry || !(entry->service.flags & SERVICE_MASQUERADE) || !addr_same(&entry->service.to, &p->src) ||
		    entry->service.port != p->sport)
			return -PASS_no_flow;
		p->service = &entry->service;
	}
	p->to = s->way.src;
	p->to_port = s->way.sport;
	return 0;
}

INLINE int flow_of_reply(struct pkt *p, struct flow_scratch *s, struct flow *flow)
{
	const struct embryo *e;

	if (flow) {
		s->id = flow->id;
		s->ifindex = flow->ifindex;
		s->backend = flow->backend;
		flow_take(p, s, flow);
		return flow_listener(p, s);
	}
	e = bpf_map_lookup_elem(&embryos, &s->key);
	if (!e || bpf_jiffies64() >= e->until)
		return -PASS_no_flow;
	s->id = e->id;
	s->ifindex = e->ifindex;
	s->backend = e->backend;
	s->way.src = e->local;
	s->way.dst = e->client;
	s->way.sport = e->local_port;
	s->way.dport = e->client_port;
	s->way.family = e->family;
	s->way.is_new = p->quote ? FLOW_KNOWN : FLOW_ANSWERED;
	return flow_listener(p, s);
}

/* The number under which an original's flow is kept, of a service with several backends */
INLINE __u32 guard_backend(const struct pkt *p)
{
	__u32 zero = 0;
	const struct guard_scratch *s = bpf_map_lookup_elem(&guard_scratch, &zero);

	return s && p->direction == DIRECTION_ORIGINAL ? s->backend : 0;
}

/* Of a backend that has other services too, what has no flow is theirs. */
INLINE int flow_find_way(struct pkt *p, struct flow_scratch *s)
{
	__u16 flags = p->service->flags;
	struct flow *flow;
	int rc;

	if (!(flags & (SERVICE_MASQUERADE | SERVICE_FLOWS)))
		return 0;
	s->key.src = p->src;
	s->key.dst = p->dst;
	s->key.sport = p->sport;
	s->key.dport = p->dport;
	s->key.family = p->family;
	s->key.direction = p->direction;
	s->key.backend = s->backend = p->guards ? guard_backend(p) : 0;
	flow = bpf_map_lookup_elem(&flows, &s->key);
	rc = p->direction == DIRECTION_ORIGINAL ? flow_of_original(p, s, flow) : flow_of_reply(p, s, flow);
	if (rc)
		return flags & SERVICE_MASQUERADE ? rc : 0;
	p->way = s;
	p->leaves = s->way.family;
	across_begin(p, s);
	return 0;
}

/* After classify. The service is copied, for the verifier would walk all that follows once for each place in a bucket. */
INLINE int flow_find(struct pkt *p)
{
	struct flow_scratch *s = flow_scratch_find();
	int rc = s ? flow_find_way(p, s) : NOT_OURS;

	if (rc)
		return rc;
	s->service = *p->service;
	p->service = &s->service;
	return 0;
}

#endif
