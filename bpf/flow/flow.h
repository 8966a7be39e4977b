/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The steps flow_way(), flow_commit(), and leave() for flows. Each client of a masquerading service
 * has a flow. One lookup gives the addresses and ports that a packet is rewritten to. The other
 * headers of this folder:
 *
 * find.h    lookup                           share.h   limits of a source
 * make.h    creates, keeps and ends flows    nat64.h   IPv4 <-> IPv6
 * port.h    finds a free port of ours        quote.h   ICMP errors
 *
 * Runs after guard() (guard/guard.h) and before resolve(); flow_commit() after ready().
 * Reads:  s->service, direction, addresses, ports; the maps flow_table, flow_index, pools, table.
 * Writes: s->flow, has_way, leaves; in flow_commit the map flow_table; in leave the packet.
 */
#pragma once

#include "flow/make.h"
#include "flow/quote.h"

/* ---- flow_way(): what the packet is rewritten to ---- */

INLINE bool flow_is_answered(const struct flow_work *s)
{
	return learned_word_state(s->word) != LEARNED_HALF;
}

/* Sets s->way for an original to the service's backend; a flow to another backend must move. An
 * ICMP error does not start a flow, because it quotes a reply that reached no client of ours.
 * is_good: there is a flow, and it has not expired. */
INLINE int flow_way_original(struct pkt *p, bool is_good)
{
	const struct service *service = &p->s->service;
	struct flow_work *s = &p->s->flow;

	s->id = service->id;
	s->ifindex = service->ifindex;
	if (is_good && addr_same(&s->way.dst, &service->to) && s->way.dport == service->port) {
		s->way.is_new = FLOW_KNOWN;
		return p->s->is_quote && !flow_is_answered(s) ? -PASS_no_flow : 0;
	}
	if (p->s->is_quote)
		return -PASS_no_flow;
	s->way.dst = service->to;
	s->way.dport = service->port;
	s->way.family = service->flags & SERVICE_TO_IPV6 ? FAMILY_IPV6 : FAMILY_IPV4;
	s->way.is_new = is_good && flow_is_answered(s) ? FLOW_MOVES : FLOW_NEWCOMER;
	return 0;
}

/* Sets s->service to the listener that the flow's client uses, if that one still masquerades and
 * has this backend. */
INLINE int flow_listener_step(struct pkt_state *state)
{
	const struct flow_work *s = &state->flow;
	const struct table_entry *entry;
	struct table_key key;

	key.addr = s->way.src;
	key.word = table_word(KEY_SERVICE, s->way.family, s->way.sport, s->ifindex) +
		   (with_guards ? table_backend(s->backend) : 0);
	entry = table_find(&key);
	if (!entry || !(entry->service.flags & SERVICE_MASQUERADE) ||
	    !addr_same(&entry->service.to, &state->src) || entry->service.port != state->sport)
		return -PASS_no_flow;
	state->service = entry->service;
	return 0;
}
STATE_STEP(with_flows, flow_listener)

/* Does that only if the backend has several listeners; with one listener, the reply's table entry
 * is enough. */
INLINE int flow_check_listener(struct pkt *p)
{
	const struct service *service = &p->s->service;
	const struct flow_work *s = &p->s->flow;
	int rc = 0;

	if (!(service->flags & SERVICE_MASQUERADE) || !addr_same(&service->to, &s->way.src) ||
	    service->port != s->way.sport)
		rc = flow_listener(p->s);
	else if (service->ifindex != s->ifindex)
		/* If the flow's listener is gone, its device has another ifindex now. */
		(void)flow_listener(p->s);
	p->s->service.to = s->way.src;
	p->s->service.port = s->way.sport;
	return rc;
}

/* Handles a reply, which belongs to a flow or is the first answer to a half-open flow. */
INLINE int flow_way_reply(struct pkt *p, bool is_good)
{
	struct flow_work *s = &p->s->flow;

	if (!is_good)
		return -PASS_no_flow;
	s->way.is_new = flow_is_answered(s) || p->s->is_quote ? FLOW_KNOWN : FLOW_ANSWERED;
	return flow_check_listener(p);
}

/* Sets the key of the flow. Runs after guard(), which may choose the backend. */
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
	s->key.backend = s->backend =
		with_guards && original ? SERVICE_BACKEND(p->s->service.flags) : 0;
	p->s->has_key = true;
}

/* Finds the flow of the packet. If the backend has other services too, a packet without a flow
 * belongs to them. Returns 0 or a reason. */
INLINE int flow_way_step(struct pkt *p)
{
	struct flow_work *s = &p->s->flow;
	__u16 flags = p->s->service.flags;
	bool is_good;
	int rc;

	s->now = p->s->now;
	s->units = s->now >> tick_shift;
	s->is_found = flow_find(p->s);
	is_good = s->is_found && learned_left(s->word, s->units);
	rc = p->s->direction == DIRECTION_ORIGINAL ? flow_way_original(p, is_good) :
						     flow_way_reply(p, is_good);
	if (rc)
		return flags & SERVICE_MASQUERADE ? rc : 0;
	p->s->has_way = true;
	p->s->leaves = s->way.family;
	if (p->s->is_quote || p->s->leaves != p->s->family)
		nat64_begin(p);
	return 0;
}
INLINE_STEP(flow_way)

/* ---- flow_commit() and leave() ---- */

/* Called before anything is recorded. Returns 0, or the reason why the packet cannot be translated
 * to the other IP version. */
INLINE int flow_admits(struct pkt *p)
{
	if (!is_nat64(p))
		return 0;
	return p->s->is_quote ? flow_quote_kind(p) : nat64_admits(p);
}

/* Returns the units of abi_learned.h until an answered flow's time must be extended; 0: now. That
 * is after a sixteenth of the timeout, at most FLOW_STEP_SECONDS. So a flow may end as much too
 * early. */
INLINE __u32 flow_ages_in(const struct flow_work *s)
{
	__u32 left = learned_left(s->word, s->units), timeout, step;
	const struct pool *pool = bpf_map_lookup_elem(&pools, &s->id);

	if (!pool)
		return LEARNED_SECOND;
	timeout = learned_units(pool->timeout);
	step = learned_units(FLOW_STEP_SECONDS);
	step = timeout / 16 < step ? timeout / 16 : step;
	/* Time left may exceed the timeout, if the configuration has reduced it since. */
	return left > timeout || left + step <= timeout ? 0 : left + step - timeout;
}

/* Returns whether the flow's time must be extended now. A half-open flow is extended when a third
 * of its time is left. */
INLINE bool flow_ages(const struct flow_work *s)
{
	if (flow_is_answered(s))
		return !flow_ages_in(s);
	return s->key.direction == DIRECTION_ORIGINAL &&
	       learned_left(s->word, s->units) < learned_units(HALF_OPEN_SECONDS) / 3;
}

/* Called when the packet is about to be sent: makes or extends its flow, and counts the packet in
 * it. A packet of the blind relay has a way but no flow: s->place and s->word are those of an
 * earlier packet. Returns 0 or a reason. */
INLINE int flow_commit_step(struct pkt *p)
{
	struct flow_work *s = &p->s->flow;
	__u32 way, direction;
	struct flow_bucket *b;
	__u64 word;
	int rc;

	if (!p->s->has_way || p->s->is_quote || (with_blind && p->s->is_blind))
		return 0;
	if (s->way.is_new || flow_ages(s)) {
		rc = flow_make(p->s);
		if (rc)
			return rc;
	}
	b = flow_bucket(s->place);
	way = s->place & (LEARNED_WAYS - 1);
	word = b ? read_once(b->line.word[way]) : 0;
	if (!b || !learned_same(s->word, word))
		return 0;
	s->word = word;		/* express_learn() needs the extended time */
	direction = s->key.direction & 1;
	/* The listener's device may be new, with the same address (a line that is dialled again),
	 * or the client may use another wan. A reply finds the listener by this number. */
	if (direction == DIRECTION_ORIGINAL && b->flow[way].ifindex != s->ifindex)
		b->flow[way].ifindex = s->ifindex;
	b->flow[way].packets[direction] += p->s->segments;
	b->flow[way].bytes[direction] += segments_bytes(p->s);
	return 0;
}
INLINE_STEP(flow_commit)

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

/* Rewrites the packet as rewrite() does, but both addresses and both ports. */
INLINE int flow_rewrite(struct pkt *p)
{
	const struct flow_way *way = &p->s->flow.way;
	struct udphdr *udp = NULL;
	int rc;

	if (p->s->is_quote) {
		rc = is_nat64(p) ? flow_quote_nat64(p->s) : flow_quote_prepare(p->s);
		return rc || flow_quote_write(p) ? -DROP_send_failed : 0;
	}
	if (is_nat64(p)) {
		rc = nat64_write(p);
		if (rc > 0)
			rc = nat64_checksum(p);
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
