/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Stores in the memo what the pipeline decided about a packet that it has sent. verdict() calls it.
 * A next hop is valid at most a second. So the FIB is asked, and neighbours are probed, as often as
 * without the memo. Changes within that second raise the generation. Entries of flows outlive the
 * next hop, which a packet of any of these flows renews.
 *
 * Runs at the end, after verdict() (verdict.h).
 * Reads:  s->express, and what the steps left; the maps nexthops, control, guards, sessions.
 * Writes: express_cpus and the map memo.
 */
#pragma once

#include "blind/blind.h"
#include "express/place.h"

/* ---- what can be learned ---- */

/* Returns whether the express path may remember a packet that the guard admitted: plain data, as
 * express_is_data() recognises it, to a service with one backend. */
INLINE bool express_can_learn_guarded(struct pkt_state *s)
{
	__u32 id = s->service.id;
	const struct guard *g = bpf_map_lookup_elem(&guards, &id);

	if (!g)
		return false;
	s->express.guarded = !!(g->flags & GUARD_ON);
	s->express.strict = g->flags & GUARD_STRICT && s->direction == DIRECTION_ORIGINAL;
	return !s->express.guarded ||
	       (s->express.is_data && !(g->flags & (GUARD_BACKENDS | GUARD_JUNK)) &&
		g->header[MESSAGE_DATA - 1] == from_le32(MESSAGE_DATA));
}

/* Returns whether the express path can remember packets of this kind. */
INLINE bool express_can_learn(struct pkt_state *s)
{
	if (s->is_quote || s->fragment || s->frags || s->through_neighbour)
		return false;
	if (with_relay && s->overlay)
		return true;
	/* On a link with peers the pipeline must check the source of all other IPv6 packets. */
	if (s->service.flags & SERVICE_CHOICE ||
	    (with_relay && s->link_flags & LINK_PEERS && s->family == FAMILY_IPV6))
		return false;
	if (with_blind && s->is_blind)
		return s->express.key.index;
	return !with_guards || express_can_learn_guarded(s);
}

/* ---- until when ---- */

/* Returns the time in jiffies until which the next hop is valid and no probe of the neighbour is
 * due. For a reply whose next hop is in the map uniform, the daemon's heartbeat counts too: while
 * it lasts, the daemon raises the generation when a route changes. For other replies the route to
 * their backend counts too. */
INLINE __u64 express_hop_until(const struct pkt_state *s, const struct nexthop *hop)
{
	__u32 slot = s->service.slot;
	const struct nexthop *backend = bpf_map_lookup_elem(&nexthops, &slot);
	const struct control *c = control_find();
	__u64 probe = hop->probe[PLANE_XDP], until = hop->until;

	until = s->link_flags & LINK_TC && probe < until ? probe : until;
	if (s->direction == DIRECTION_ORIGINAL || (with_relay && s->overlay) ||
	    (with_blind && s->is_blind))
		return until;
	if (s->out != slot + 1)
		return c->heartbeat < until ? c->heartbeat : until;
	if (!backend)
		return 0;
	return backend->until < until ? backend->until : until;
}

/* Returns the time in jiffies until which the flow, session or client of the packet can do without
 * the pipeline; 0: learn nothing. The pipeline extends flows. If a strict guard knows only the
 * receiver index, the client's next packet may have another one. */
INLINE __u64 express_client_until(struct pkt_state *s)
{
	const struct flow_work *f = &s->flow;
	const struct blind_work *b = &s->blind;
	bool strict = with_guards && s->express.strict;
	__u64 until = ~0ULL, known;

	if (with_blind && s->is_blind)
		return b->make ? 0 : BLIND_UNTIL(session_value(b->from, b->index, b->now));
	if (strict && !guard_find_client(s))
		return 0;
	if (with_flows && s->has_way) {
		if (f->way.is_new != FLOW_KNOWN || learned_word_state(f->word) != LEARNED_LIVE)
			return 0;
		until = (f->units + flow_ages_in(f)) << tick_shift;
	}
	if (!strict)
		return until;
	known = (s->learned.now + learned_left(s->learned.word, s->learned.now)) << tick_shift;
	return known < until ? known : until;
}

/* ---- the entry ---- */

/* Writes what the packet gets, and where it is counted. */
INLINE void express_fill(struct memo *e, struct memo_more *more, const struct pkt_state *s)
{
	const struct flow_way *way = &s->flow.way;
	struct addr src = s->src, dst = s->dst;
	__be16 sport = s->express.port[0], dport = s->express.port[1];
	__u32 ports = (__u16)~sport + (__u16)~dport;
	__u16 delta = s->service.delta;

	e->total = total_index(s->service.id, s->direction, PLANE_XDP);
	if (with_rates)
		e->rate = s->rates[2];
	if (with_relay && s->overlay) {
		delta = 0;
		e->flags |= MEMO_SITE;
		e->total = total_index((__u32)s->peers, PEER_RX, PLANE_XDP);
		e->place = total_index(s->peers >> 32, PEER_TX, PLANE_XDP);
	} else if (with_flows && s->has_way) {
		src = way->src;
		dst = way->dst;
		sport = way->sport;
		dport = way->dport;
		delta = way->delta;
		e->flags |= s->is_blind ? MEMO_BLIND :
			    with_counts ? MEMO_COUNTS | memo_version(s->flow.word) : MEMO_FLOW;
		e->place = s->is_blind ? s->blind.total : s->flow.place;
	} else if (s->direction == DIRECTION_ORIGINAL) {
		dst = s->service.to;
		dport = s->service.port;
	} else {
		src = s->service.to;
		sport = s->service.port;
	}
	e->ports[0] = sport;
	e->ports[1] = dport;
	e->ip_delta = ~csum_fold(delta + (__u16)~bpf_htons(0x0100));
	e->udp_delta = ~csum_fold(delta + ports + sport + dport);
	if (s->express.wide) {
		more->src = src;
		more->dst = dst;
	} else {
		e->addrs[0] = addr_to4(src);
		e->addrs[1] = addr_to4(dst);
	}
}

/* Sets the key of the packet, as express_read() does. */
INLINE void express_set_key(struct express_key *k, const struct pkt_state *s)
{
	bool ipv4 = s->family == FAMILY_IPV4;

	k->source = s->src.q[1];
	k->destination[0] = s->dst.q[0];
	k->destination[1] = s->dst.q[1];
	k->from = ipv4 ? WORD(__u32, addr_to4(s->src), 0) | WORD(__u32, addr_to4(s->dst), 4) :
			 s->src.q[0];
	k->to = WORD(__u32, s->express.ports, 0);
}

/* Writes the entry at the places that were found. */
INLINE int express_write_step(struct pkt_state *s)
{
	const struct express_work *w = &s->express;
	__u32 bucket = w->bucket, line = w->line & (MEMO_WAYS - 1);
	struct memo_bucket *b = bpf_map_lookup_elem(&memo, &bucket);
	struct memo_more *more;
	struct memo *e;

	if (!b)
		return 0;
	e = &b->way[line];
	more = &b->more[line | 1];
	memo_end(e);
	if (w->wide) {
		memo_end(&b->way[line | 1]);
		e->source = w->key.source;
		more->none = 0;
		more->destination[0] = w->key.destination[0];
		more->destination[1] = w->key.destination[1];
	}
	e->to = w->key.to;
	if (!with_counts)
		e->index = w->key.index;
	e->generation = with_flows && s->has_way && s->leaves != s->family ? ~w->generation :
									     w->generation;
	e->hop = w->hop;
	e->flags = (with_guards && w->guarded ? MEMO_DATA : 0) | (w->wide ? MEMO_WIDE : 0);
	express_fill(e, more, s);
	e->until = w->until;
	learned_store(&e->from, w->key.from);
	return 0;
}
STATE_STEP(with_express, express_write)

/* Remembers a packet that the express path did not find and the pipeline has sent. */
INLINE int express_learn_step(struct pkt_state *s)
{
	struct express_work *w = &s->express;
	__u32 out = s->out, ifindex = BYTES(__u16, w->mac, 0);
	const struct nexthop *hop = bpf_map_lookup_elem(&nexthops, &out);
	bool ipv4 = s->family == FAMILY_IPV4;
	struct express_cpu *cpu = express_cpu();
	struct express_device *d;

	w->guarded = w->strict = false;
	if (!hop || !cpu || !express_out(hop) || !express_can_learn(s))
		return 0;
	w->now = bpf_jiffies64();
	w->fresh = express_hop_until(s, hop);
	w->until = express_client_until(s);
	w->slot = with_flows && s->has_way && !s->is_blind &&
		  out != s->service.slot + 1 ? out + 1 : 0;
	w->wide = !ipv4 || (with_flows && s->has_way && s->leaves == FAMILY_IPV6);
	d = express_device(cpu, ifindex, w->vlan);
	w->open = s->direction == DIRECTION_ORIGINAL && !(with_relay && s->overlay) &&
		  !s->has_way && !w->strict;
	if (w->until <= w->now || w->fresh <= w->now || !express_learn_device(d, s))
		return 0;
	express_set_key(&w->key, s);
	express_complete(&w->key, d->id, ipv4, express_is_free(d, &w->key, ipv4));
	w->bucket = memo_place(d, &w->key, ipv4, &w->at);
	w->line = memo_line(s);
	if (w->former && !w->open)
		express_weigh(d, w->mac);
	if (w->line >= MEMO_WAYS)
		return 0;
	w->hop = w->slot ? express_hop(s) : NO_HOP;
	if (w->hop >= NO_HOP) {
		w->slot = 0;
		w->until = w->until < w->fresh ? w->until : w->fresh;
		w->hop = express_hop(s);
	}
	return w->hop >= NO_HOP ? 0 : express_write(s);
}
STATE_STEP(with_express, express_learn)
