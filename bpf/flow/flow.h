/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * flow_way, flow_commit, and leave for flows. Each client of a masquerading service has a flow. One
 * lookup tells each of its packets what it leaves with. make.h makes and ends flows, port.h finds a
 * port of ours, across.h changes the family, quote.h rewrites ICMP errors. `flow` is the packet's
 * entry in the map flows, the only pointer that lives from step to step; service_way() in
 * pipeline.h holds it.
 *
 * Before: guard (guard/guard.h); for flow_commit: ready. After: resolve; for flow_commit: leave.
 * Reads:  s->service, direction, addresses, ports; the maps flows, embryos, table.
 * Writes: s->flow, has_way, leaves; in flow_commit the map flows; in leave the packet.
 */
#pragma once

#include "flow/make.h"
#include "flow/quote.h"
#include "table.h"

/* ---- find: what the packet leaves with ---- */

INLINE void flow_copy_way(struct flow_work *s, const struct flow *flow)
{
	s->way.src = flow->src;
	s->way.dst = flow->dst;
	s->way.sport = flow->sport;
	s->way.dport = flow->dport;
	s->way.delta = flow->delta;
	s->way.family = flow->family;
	s->way.is_new = FLOW_KNOWN;
}

/* Sets s->way of an original, to the service's backend. A flow to another backend moves. An ICMP
 * error starts no flow: its quoted reply reached no client. */
INLINE int flow_way_original(struct pkt *p, const struct flow *flow)
{
	const struct service *service = &p->s->service;
	struct flow_work *s = &p->s->flow;

	s->id = service->id;
	s->ifindex = service->ifindex;
	if (flow && addr_same(&flow->dst, &service->to) && flow->dport == service->port) {
		flow_copy_way(s, flow);
		return 0;
	}
	if (p->s->is_quote)
		return -PASS_no_flow;
	s->way.dst = service->to;
	s->way.dport = service->port;
	s->way.family = service->flags & SERVICE_TO_IPV6 ? FAMILY_IPV6 : FAMILY_IPV4;
	s->way.is_new = flow ? FLOW_MOVES : FLOW_NEWCOMER;
	return 0;
}

/* Checks that the client's listener still has this backend, and sets s->service to it. Most
 * backends have one listener, so the reply's own entry usually tells. */
INLINE int flow_check_listener(struct pkt *p)
{
	const struct service *service = &p->s->service;
	const struct flow_work *s = &p->s->flow;
	const struct table_entry *entry;
	struct table_key key;

	if (!(service->flags & SERVICE_MASQUERADE) || !addr_same(&service->to, &s->way.src) ||
	    service->port != s->way.sport || service->ifindex != s->ifindex) {
		key.addr = s->way.src;
		key.word = table_word(KEY_SERVICE, s->way.family, s->way.sport, s->ifindex) +
			   (with_guards ? table_backend(s->backend) : 0);
		entry = table_find(&key);
		if (!entry || !(entry->service.flags & SERVICE_MASQUERADE) ||
		    !addr_same(&entry->service.to, &p->s->src) ||
		    entry->service.port != p->s->sport)
			return -PASS_no_flow;
		p->s->service = entry->service;
	}
	p->s->service.to = s->way.src;
	p->s->service.port = s->way.sport;
	return 0;
}

/* A reply belongs to a flow, or answers an embryo (half-open flow). */
INLINE int flow_way_reply(struct pkt *p, const struct flow *flow)
{
	struct flow_work *s = &p->s->flow;
	const struct embryo *e;

	if (flow) {
		s->id = flow->id;
		s->ifindex = flow->ifindex;
		s->backend = flow->backend;
		flow_copy_way(s, flow);
		return flow_check_listener(p);
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
	s->way.is_new = p->s->is_quote ? FLOW_KNOWN : FLOW_ANSWERED;
	return flow_check_listener(p);
}

/* Sets the key to look up in flows, after the guard has chosen the backend */
INLINE void flow_set_key(struct pkt *p)
{
	bool original = p->s->direction == DIRECTION_ORIGINAL;
	struct flow_work *s = &p->s->flow;

	if (!(p->s->service.flags & (SERVICE_MASQUERADE | SERVICE_FLOWS)))
		return;
	s->key.src = p->s->src;
	s->key.dst = p->s->dst;
	s->key.sport = p->s->sport;
	s->key.dport = p->s->dport;
	s->key.family = p->s->family;
	s->key.direction = p->s->direction;
	s->key.backend = s->backend = with_guards && original ? p->s->guard.backend : 0;
	p->s->has_key = true;
}

/* flow: the entry under the key, or NULL. If a backend has other services too, a packet without a
 * flow is theirs. Returns 0 or a reason. */
INLINE int flow_way(struct pkt *p, const struct flow *flow)
{
	__u16 flags = p->s->service.flags;
	int rc = p->s->direction == DIRECTION_ORIGINAL ? flow_way_original(p, flow) :
							 flow_way_reply(p, flow);

	if (rc)
		return flags & SERVICE_MASQUERADE ? rc : 0;
	p->s->has_way = true;
	p->s->leaves = p->s->flow.way.family;
	across_begin(p);
	return 0;
}

/* ---- send ---- */

/* Before anything is remembered or made: 0, or the reason why the packet cannot change its
 * family */
INLINE int flow_admits(struct pkt *p)
{
	if (!is_across(p))
		return 0;
	return p->s->is_quote ? flow_quote_kind(p->s) : across_admits(p);
}

/* The packet is about to be sent: makes its flow, or counts it there. The flow's clock is set at
 * most once a second. */
INLINE int flow_commit(struct pkt *p, struct flow *flow)
{
	__u64 now;

	if (!p->s->has_way)
		return 0;
	if (p->s->flow.way.is_new)
		return flow_make(p->s);
	if (!flow || p->s->is_quote)
		return 0;
	flow->packets += p->s->segments;
	flow->bytes += segments_bytes(p);
	now = bpf_jiffies64();
	if (now - flow->seen < tick_rate)
		return 0;
	flow->seen = now;
	return flow->armed ? 0 : flow_make(p->s);
}

INLINE int flow_rewrite_ip(struct pkt *p, const struct flow_way *way)
{
	if (p->s->family == FAMILY_IPV4) {
		struct iphdr *ip = at(p, p->s->l3, sizeof(*ip));

		if (!ip)
			return -DROP_send_failed;
		ip->saddr = addr_to4(way->src);
		ip->daddr = addr_to4(way->dst);
		ip->ttl = p->s->ttl - 1;
		ip->check = csum_add(ip->check, way->delta + (__u16)~bpf_htons(0x0100));
	} else {
		struct ipv6hdr *ip = at(p, p->s->l3, sizeof(*ip));

		if (!ip)
			return -DROP_send_failed;
		addr_store(&ip->saddr, way->src);
		addr_store(&ip->daddr, way->dst);
		ip->hop_limit = p->s->ttl - 1;
	}
	return 0;
}

/* As rewrite(), but both addresses and ports */
INLINE int flow_rewrite(struct pkt *p)
{
	const struct flow_way *way = &p->s->flow.way;
	struct udphdr *udp = NULL;
	int rc;

	if (p->s->is_quote) {
		rc = is_across(p) ? flow_quote_across(p->s) : flow_quote_prepare(p->s);
		return rc || flow_quote_write(p) ? -DROP_send_failed : 0;
	}
	if (is_across(p)) {
		rc = across_write(p);
		if (rc > 0)
			rc = across_checksum(p);
		return rc ? -DROP_send_failed : 0;
	}
	p->s->service.delta = way->delta;
	rc = flow_rewrite_ip(p, way);
	if (rc)
		return rc;
	if (!is_later(p)) {
		udp = at(p, p->s->l4, sizeof(*udp));
		if (!udp)
			return -DROP_send_failed;
		udp->source = way->sport;
		udp->dest = way->dport;
	}
	plane(p, rewrite_checksum, udp,
	      (__u16)~p->s->sport + way->sport + (__u16)~p->s->dport + way->dport);
	return 0;
}
