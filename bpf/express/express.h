/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The express path: the first step of XDP, and for most packets the only one. The express path
 * repeats what the pipeline decided for the last packet of the same kind. If anything about the
 * packet is unusual, or its entry in the memo is no longer valid, the pipeline runs. After the
 * pipeline, learn.h stores what the pipeline decided.
 *
 * First the memo is searched for a side: the listener or the backend. A side is enough for a
 * service that treats all its clients alike. If each flow, session or client is translated or
 * admitted for itself, a second lookup finds its tuple. Packets between sites have tuples and no
 * side.
 *
 * Runs first. enter() (pipeline.h) follows, unless the express path has sent the packet.
 * Reads:  the packet; the maps sides, tuples, control, sources, uniform, nexthops, flow_table,
 *         rates.
 * Writes: s->express; if it sends: the packet, the maps totals, flow_table, blind_totals,
 *         peer_totals, rates.
 */
#pragma once

#include "express/send.h"

/* A lookup that finds nothing costs time, so each CPU has a credit: a hit adds to it, and a miss
 * takes its price. A miss among the tuples costs about as much time as a hit saves. The credit is
 * enough for one miss of each flow that has room: the entries of one next hop end at once. */
#define EXPRESS_CROWD ((express_mask | (EXPRESS_TUPLES - 1)) + 1)
#define EXPRESS_CREDIT (EXPRESS_CROWD * EXPRESS_PRICE_TUPLE)
#define EXPRESS_CREDIT_HIT 8
#define EXPRESS_PRICE 1
#define EXPRESS_PRICE_TUPLE 8
/* Without credit, one packet in EXPRESS_TRY is looked up: EXPRESS_CROWD packets in a row, so that
 * the flows among them can be remembered and found again before their entries end. */
#define EXPRESS_TRY 64

/* Returns whether to look the packet up. If not, the express path remembers nothing about it
 * either. */
INLINE bool express_is_worth_it(struct sides *sides)
{
	bool is_try;

	if (sides->credit)
		return true;
	is_try = !(sides->poor++ / EXPRESS_CROWD % EXPRESS_TRY);
	sides->count.not_looked_up += !is_try;
	return is_try;
}

/* ---- the step ---- */

/* The functions below return an index in the map rates, for w->rate, or this value. */
#define RATE_USED_UP (NO_RATE - 1)

/* Returns whether no prefix with a rate can have this client. hi, lo: as in struct addr. */
INLINE bool express_is_unrated(__u64 hi, __u64 lo, bool is_ipv6)
{
	__u32 place = client_rate_hints;
	const struct source_hints *h = bpf_map_lookup_elem(&source_hints, &place);

	return h && source_hints_exclude(h, bpf_be64_to_cpu(is_ipv6 ? hi : lo), is_ipv6);
}

/* Looks up the rate of a client. Checks that this rate and the service's have room. This function
 * and the next one are not inlined: their branches would multiply what Linux 6.1 verifies. */
TABLE_READ __u32 express_client_rate(__u32 total, __u64 hi, __u64 lo, __u32 is_ipv6, __u64 now)
{
	__u32 rate = NO_RATE;

	if (!with_client_rates)
		return NO_RATE;
	if (!express_is_unrated(hi, lo, is_ipv6))
		rate = rate_of_client(hi, lo, is_ipv6, total_direction(total));
	return rates_have_room(rate_of_service(total), rate, NO_RATE, now) ? rate : RATE_USED_UP;
}

/* Looks up the rate of a pair. Checks that this rate and those of both peers have room. */
TABLE_READ __u32 express_pair_rate(__u32 from, __u32 to, __u64 now)
{
	__u32 rate = NO_RATE;

	if (!with_rates)
		return NO_RATE;
	if (with_pair_rates)
		rate = rate_of_pair(from | (__u64)to << 32);
	return rates_have_room(rate_of_peer(from, PEER_RX), rate_of_peer(to, PEER_TX), rate, now) ?
		       rate : RATE_USED_UP;
}

/* Returns false if a rate of the packet is used up: then the pipeline must drop the packet and
 * count it. The packet is charged when it is sent, so a few packets more may pass when several CPUs
 * send at once. */
INLINE bool express_has_room(const struct memo *e, struct express_work *w)
{
	bool reply = total_direction(e->total) == DIRECTION_REPLY;
	bool ipv4 = w->ipv4;
	struct addr client;

	if (!with_rates)
		return true;
	w->rate = NO_RATE;
	if (!with_client_rates || (with_blind && e->kind == EXPRESS_BLIND))
		return rate_admits_at(rate_of_service(e->total), w->now);
	if (reply && e->kind == EXPRESS_FLOW) {
		ipv4 ^= !!(e->flags & EXPRESS_NAT64);
		client = express_addr(e->dst, ipv4);
	} else {
		client = express_addr(reply ? w->key.dst : w->key.src, ipv4);
	}
	w->rate = express_client_rate(e->total, client.q[0], client.q[1], !ipv4, w->now);
	return w->rate != RATE_USED_UP;
}

/* The same for a packet between sites. */
INLINE bool express_site_has_room(const struct memo *e, struct express_work *w)
{
	if (with_rates)
		w->rate = express_pair_rate(total_service(e->total), total_service(e->place),
					    w->now);
	return !with_rates || w->rate != RATE_USED_UP;
}

/* Finds the side of the packet. The destination is looked up first, as in classify(). */
INLINE const struct memo *express_classify(struct sides *sides, const struct express_work *w)
{
	__be16 sport = w->key.word, dport = w->key.word >> 16;
	const struct memo *e = NULL;
	struct express_sought k;

	if (sides->listeners >> (w->ifindex & 63) & 1) {
		k = express_side(w->key.dst, SIDE_LISTENER, w->ipv4, dport, w->ifindex);
		e = express_find(sides, &k);
	}
	if (e)
		return e;
	k = express_side(w->key.src, SIDE_BACKEND, w->ipv4, sport, w->ifindex);
	return express_find(sides, &k);
}

INLINE int express_by_tuple(struct pkt *p, struct sides *sides, struct express_work *w,
			    void *head, __u8 kind)
{
	struct express_sought k = { .key = w->key };
	const void *message;
	const struct memo *e;

	if (with_blind && kind == EXPRESS_BY_INDEX) {
		w->learn = LEARN_NOTHING;
		message = express_data(p, w, head);
		k.index = message ? load_word(__u32, message + 4) : 0;
		if (!k.index)
			return EXPRESS_MISS;
		k.key.word |= EXPRESS_INDEXED;
	}
	w->learn = LEARN_TUPLE;
	e = express_find(sides, &k);
	if (!e || !express_is_good(e, w->now, w->generation) || !express_has_room(e, w))
		return EXPRESS_MISS;
	return express_send_tuple(p, e, w, head);
}

/* Returns whether packets of this device and IP version may be between sites. */
INLINE bool express_may_be_site(const struct sides *sides, const struct express_work *w)
{
	return with_relay && !w->ipv4 && sides->sites >> (w->ifindex & 63) & 1;
}

/* Returns the tuple of a packet between sites, or NULL. */
INLINE const struct memo *express_find_site(struct sides *sides, struct express_work *w)
{
	struct express_sought k = { .key = w->key };
	const struct memo *e;

	if (!express_may_be_site(sides, w))
		return NULL;
	e = express_find(sides, &k);
	if (!e || e->kind != EXPRESS_SITE || e->mac != w->mac ||
	    !express_is_good(e, w->now, w->generation) || !express_site_has_room(e, w))
		return NULL;
	return e;
}

/* Looks the packet up in the memo, after its headers were read. If it returns EXPRESS_MISS,
 * w->learn says what to remember when the pipeline has decided. */
INLINE int express_lookup(struct pkt *p, struct sides *sides, struct express_work *w, void *head)
{
	const struct memo *e;

	w->learn = LEARN_SIDE;
	w->now = bpf_jiffies64();
	w->generation = express_generation();
	e = express_find_site(sides, w);
	if (e)
		return express_send_site(p, e, w, head);
	e = express_classify(sides, w);
	if (!e || e->mac != w->mac || !express_is_good(e, w->now, w->generation)) {
		w->is_data = with_guards && express_data(p, w, head);
		return EXPRESS_MISS;
	}
	if (with_guards && e->flags & EXPRESS_DATA) {
		w->is_data = !!express_data(p, w, head);
		if (!w->is_data) {
			w->learn = LEARN_NOTHING;
			return EXPRESS_MISS;
		}
	}
	if (with_tuples && e->kind >= EXPRESS_BY_TUPLE)
		return express_by_tuple(p, sides, w, head, e->kind);
	return express_has_room(e, w) ? express_send_side(p, e, w, head) : EXPRESS_MISS;
}

/* Returns the credit that a packet costs whose headers were read, and for which the lookup found no
 * entry. */
INLINE __u32 express_price(const struct sides *sides, const struct express_work *w)
{
	return w->learn == LEARN_TUPLE || express_may_be_site(sides, w) ? EXPRESS_PRICE_TUPLE :
									  EXPRESS_PRICE;
}

INLINE void express_hit(struct sides *sides)
{
	if (sides->credit < EXPRESS_CREDIT)
		sides->credit += EXPRESS_CREDIT_HIT;
	sides->count.hits++;
}

INLINE int express_miss(struct sides *sides, __u32 price)
{
	sides->credit -= sides->credit < price ? sides->credit : price;
	sides->count.misses++;
	return EXPRESS_MISS;
}

/* Returns the plane's action for a packet that it has sent. Returns EXPRESS_MISS, and leaves the
 * packet unchanged, if the pipeline must handle it. In that case run() of pipeline.h continues.
 * ifindex: the device that received the packet. */
INLINE int express_first(void *ctx, __u32 ifindex)
{
	struct pkt p = { .ctx = ctx, .plane = PLANE_XDP };
	struct sides *sides = sides_find();
	/* Not in a map: the compiler then knows that writes to the packet do not change it. */
	struct express_work w;
	void *head;
	int action;

	if (unlikely(!sides || !express_is_worth_it(sides)))
		return EXPRESS_MISS;
	w = (struct express_work){ .ifindex = ifindex };
	head = express_read_eth(&p, &w);
	if (!head || !express_read(&p, head, &w))
		return express_miss(sides, EXPRESS_PRICE);
	action = express_lookup(&p, sides, &w, head);
	if (likely(action != EXPRESS_MISS)) {
		express_hit(sides);
		return action;
	}
	p.s = state_find();
	if (w.learn && p.s && !p.s->busy)
		p.s->express = w;
	return express_miss(sides, express_price(sides, &w));
}

/* Makes express_learn() do nothing, because the pipeline does not run for this packet. */
INLINE void express_forget(void)
{
	struct pkt_state *s = state_find();

	if (s)
		s->express.learn = LEARN_NOTHING;
}
