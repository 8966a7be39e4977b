/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Stores in the memo what the pipeline decided about a packet that it has sent. verdict() calls it.
 * until.h says how long an entry is valid.
 *
 * Runs at the end, after verdict() (verdict.h).
 * Reads:  s->express, and what the steps left; the maps nexthops, guards, sessions.
 * Writes: the maps sides and tuples.
 */
#pragma once

#include "express/express.h"
#include "express/until.h"

/* Seconds for which a side that only says "look among the tuples" is valid. */
#define EXPRESS_POINTER_SECONDS 60

/* Returns whether the express path may remember a packet that the guard admitted: plain data, as
 * express_data() recognises it, to a service with one backend. Sets s->express.guarded and
 * strict. */
INLINE bool express_can_learn_guarded(struct pkt_state *s)
{
	struct express_work *w = &s->express;
	__u32 id = s->service.id;
	const struct guard *g = bpf_map_lookup_elem(&guards, &id);

	if (!g)
		return false;
	w->guarded = !!(g->flags & GUARD_ON);
	w->strict = g->flags & GUARD_STRICT && s->direction == DIRECTION_ORIGINAL;
	return !w->guarded ||
	       (w->is_data && !(g->flags & (GUARD_BACKENDS | GUARD_JUNK)) &&
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
	return !with_guards || s->is_blind || express_can_learn_guarded(s);
}

INLINE void express_set_words(__u64 *words, struct addr a, bool ipv4)
{
	words[0] = ipv4 ? 0 : a.q[0];
	words[1] = ipv4 ? addr_to4(a) : a.q[1];
}

/* Writes those members of an entry that sides and tuples have in common. */
INLINE void express_fill(struct memo *e, const struct pkt_state *s, const struct nexthop *hop)
{
	e->mtu = hop->fib.mtu_result;
	e->out = express_out(hop);
	e->total = total_index(s->service.id, s->direction, PLANE_XDP);
	memcpy(e->macs, hop->fib.dmac, ETH_ALEN);
	memcpy(e->macs + ETH_ALEN, hop->fib.smac, ETH_ALEN);
}

/* Starts to write an entry, which becomes valid when the caller writes .until. */
INLINE void express_begin(struct memo *e, const struct express_sought *k,
			  const struct express_work *w)
{
	*(volatile __u64 *)&e->until = 0;
	e->flags = with_guards && w->guarded ? EXPRESS_DATA : 0;
	e->key = k->key;
	e->generation = w->generation;
}

/* ---- sides ---- */

/* Writes the new addresses, ports and MAC addresses of a packet of a service without flows. */
INLINE void express_fill_side(struct memo *e, const struct pkt_state *s, bool ipv4)
{
	bool original = s->direction == DIRECTION_ORIGINAL;
	__be16 old = original ? s->dport : s->sport;

	e->ip_delta = csum_fold(s->service.delta + (__u16)~bpf_htons(0x0100));
	e->udp_delta = csum_fold(s->service.delta + (__u16)~old + s->service.port);
	if (original) {
		express_set_words(e->dst, s->service.to, ipv4);
		e->dport = s->service.port;
		e->place = s->sources;
	} else {
		express_set_words(e->src, s->service.to, ipv4);
		e->sport = s->service.port;
		express_set_words(e->key.dst, s->dst, ipv4);
		e->dport = s->dport;
	}
}

/* Returns whether the service decides about each client separately, by its lists or by a strict
 * guard. */
INLINE bool express_is_admitted_alone(const struct pkt_state *s)
{
	return s->direction == DIRECTION_ORIGINAL &&
	       ((with_guards && s->express.strict) ||
		(with_lists && s->service.flags & SERVICE_LISTS));
}

/* Returns this CPU's sides, and records in them where the CPU's tuples begin. */
INLINE struct sides *express_begin_tuples(void)
{
	struct sides *sides = sides_find();

	if (sides)
		sides->tuples = express_first_tuple();
	return sides;
}

INLINE void express_learn_side(const struct pkt_state *s, const struct express_work *w,
			       const struct nexthop *hop)
{
	bool original = s->direction == DIRECTION_ORIGINAL;
	struct express_sought k =
		express_side(original ? w->key.dst : w->key.src,
			     original ? SIDE_LISTENER : SIDE_BACKEND, w->ipv4,
			     original ? s->dport : s->sport, w->ifindex);
	struct memo *e = express_room(w, &k);
	bool uniform = !original && s->out != s->service.slot + 1;
	struct sides *sides;

	if (!e)
		return;
	sides = express_begin_tuples();
	if (sides && original)
		sides->listeners |= 1ULL << (w->ifindex & 63);
	express_begin(e, &k, w);
	e->mac = w->mac;
	if (with_tuples && (s->has_way || express_is_admitted_alone(s))) {
		e->kind = s->is_blind ? EXPRESS_BY_INDEX : EXPRESS_BY_TUPLE;
		e->until = w->now + EXPRESS_POINTER_SECONDS * tick_rate;
		return;
	}
	express_fill(e, s, hop);
	express_fill_side(e, s, w->ipv4);
	e->kind = uniform ? EXPRESS_UNIFORM : EXPRESS_ONE;
	e->flags |= (s->link_flags & LINK_TC ? EXPRESS_PROBES : 0) |
		    (s->link_role == ROLE_WAN ? EXPRESS_WAN : 0) |
		    (s->link_flags & LINK_SOURCES_TRIE ? EXPRESS_TRIE : 0);
	if (uniform)
		e->mtu = 0xffff;	/* the MTU of each next hop is checked instead */
	e->until = original ? express_hop_until(s, hop) :
			      express_reply_until(s, hop, w->now, uniform);
}

/* ---- tuples ---- */

INLINE void express_learn_tuple(struct pkt_state *s, const struct express_work *w,
				const struct nexthop *hop)
{
	const struct flow_way *way = &s->flow.way;
	bool ipv4 = s->leaves == FAMILY_IPV4;
	struct express_sought k = { .key = w->key };
	__u64 until = express_tuple_until(s, hop), ends;
	struct memo *e;
	__u32 ports;

	ends = with_blind && s->is_blind ? express_session_until(&s->blind) :
					   express_flow_until(&s->flow);
	until = ends < until ? ends : until;
	ends = with_guards && w->strict ? express_client_until(s) : until;
	until = ends < until ? ends : until;
	if (with_blind && s->is_blind) {
		k.index = s->blind.index;
		k.key.word |= EXPRESS_INDEXED;
	}
	e = until <= w->now ? NULL : express_room(w, &k);
	if (!e)
		return;
	express_begin(e, &k, w);
	express_fill(e, s, hop);
	if (s->leaves != s->family) {
		e->flags |= EXPRESS_NAT64;
		/* .mtu is compared with the length at arrival, before the translation. */
		e->mtu += ipv4 ? 20 : -20;
	}
	ports = (__u16)~s->sport + way->sport + (__u16)~s->dport + way->dport;
	e->kind = with_blind && s->is_blind ? EXPRESS_BLIND : EXPRESS_FLOW;
	e->ip_delta = csum_fold(way->delta + (__u16)~bpf_htons(0x0100));
	e->udp_delta = csum_fold(way->delta + ports);
	express_set_words(e->src, way->src, ipv4);
	express_set_words(e->dst, way->dst, ipv4);
	e->sport = way->sport;
	e->dport = way->dport;
	if (with_blind && s->is_blind) {
		e->index = s->blind.index;
		e->pair = s->blind.total;
	} else {
		e->word = s->flow.word;
		e->place = s->flow.place;
	}
	e->until = until;
}

/* Remembers a client that a service without flows has admitted, from one of its originals. */
INLINE void express_learn_client(struct pkt_state *s, const struct express_work *w,
				 const struct nexthop *hop)
{
	struct express_sought k = { .key = w->key };
	__u64 until = express_hop_until(s, hop), ends;
	struct memo *e;

	ends = with_guards && w->strict ? express_client_until(s) : until;
	until = ends < until ? ends : until;
	e = until <= w->now ? NULL : express_room(w, &k);
	if (!e)
		return;
	express_begin(e, &k, w);
	express_fill(e, s, hop);
	express_fill_side(e, s, w->ipv4);
	e->kind = EXPRESS_CLIENT;
	e->until = until;
}

/* Remembers a packet between sites with exactly these addresses and ports, about which policy,
 * routes and source check have decided. Once a second the pipeline must see such a packet, to note
 * in the map allowed that it passes. */
INLINE void express_learn_site(const struct pkt_state *s, const struct express_work *w,
			       const struct nexthop *hop)
{
	struct express_sought k = { .key = w->key };
	__u64 until = express_hop_until(s, hop);
	struct sides *sides = express_begin_tuples();
	struct memo *e;

	if (!sides)
		return;
	e = until <= w->now ? NULL : express_room(w, &k);
	if (!e)
		return;
	sides->sites |= 1ULL << (w->ifindex & 63);
	express_begin(e, &k, w);
	express_fill(e, s, hop);
	e->total = total_index((__u32)s->peers, PEER_RX, PLANE_XDP);
	e->place = total_index(s->peers >> 32, PEER_TX, PLANE_XDP);
	e->mac = w->mac;
	e->kind = EXPRESS_SITE;
	e->until = until;
}

/* ---- the step ---- */

/* Remembers a packet that the express path did not find and the pipeline has sent. */
INLINE int express_learn_step(struct pkt_state *s)
{
	struct express_work *w = &s->express;
	__u32 out = s->out;
	const struct nexthop *hop = bpf_map_lookup_elem(&nexthops, &out);

	if (!hop || !express_out(hop) || !express_can_learn(s))
		return 0;
	w->now = bpf_jiffies64();
	if (with_relay && s->overlay)
		express_learn_site(s, w, hop);
	else if (w->learn == LEARN_SIDE)
		express_learn_side(s, w, hop);
	else if (with_flows && s->has_way)
		express_learn_tuple(s, w, hop);
	else if (with_tuples && express_is_admitted_alone(s))
		express_learn_client(s, w, hop);
	return 0;
}
STATE_STEP(with_express, express_learn)
