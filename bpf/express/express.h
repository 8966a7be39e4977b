/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * express_first: XDP's first step, and for most packets the only one. It does once more what
 * the pipeline did with the last packet of this kind. If anything about the packet is unusual, or
 * its entry is not good any more, the pipeline runs, and then learn.h keeps what it decided.
 *
 * A packet to a listener or from a backend finds a side. Services that translate each client alike
 * need nothing else. Where each flow or session has its own translation, the exact tuple follows.
 *
 * Before: nothing. After: enter (pipeline.h), unless express has sent the packet.
 * Reads:  the packet; the maps memo, control, sources, uniform, nexthops, flow_table.
 * Writes: s->express; if it sends: the packet, the maps totals, flow_table, blind_totals.
 */
#pragma once

#include "express/send.h"

/* Where nothing hits, the look itself is a loss. So each CPU has credit: a hit gives some, a miss
 * takes one. Without credit, only one packet in EXPRESS_TRY looks. */
#define EXPRESS_CREDIT 64
#define EXPRESS_CREDIT_HIT 8
#define EXPRESS_TRY 64

/* Tells whether to look. False: nothing will be learned of this packet. */
INLINE bool express_is_worth_it(struct pkt_state *s)
{
	return s->express.credit || !(++s->express_count.not_looked_up & (EXPRESS_TRY - 1));
}

/* ---- the step ---- */

/* Finds the packet's side. An original's destination is asked first, as classify() does. */
INLINE const struct memo *express_classify(const struct express_work *w)
{
	__be16 sport = w->key.word, dport = w->key.word >> 16;
	struct express_sought k = express_side(w->key.dst, SIDE_LISTENER, w->ipv4, dport,
					       w->ifindex);
	const struct memo *e = express_find(w, &k);

	if (e)
		return e;
	k = express_side(w->key.src, SIDE_BACKEND, w->ipv4, sport, w->ifindex);
	return express_find(w, &k);
}

INLINE int express_by_tuple(const struct pkt *p, struct express_work *w, void *head, __u8 kind)
{
	struct express_sought k = { .key = w->key };
	const struct memo *e;

	if (with_blind && kind == EXPRESS_BY_INDEX) {
		w->learn = LEARN_NOTHING;
		k.index = express_index(p, w, head);
		if (!k.index)
			return EXPRESS_MISS;
	}
	w->learn = LEARN_TUPLE;
	e = express_find(w, &k);
	if (!e || !express_is_good(e, w->now, w->generation))
		return EXPRESS_MISS;
	return express_send_tuple(p, e, w, head);
}

INLINE int express_look(const struct pkt *p, struct express_work *w)
{
	void *head = at(p, 0, EXPRESS_HEAD);
	const struct memo *e;

	if (!head || !express_read(p, head, w))
		return EXPRESS_MISS;
	w->learn = LEARN_SIDE;
	w->now = bpf_jiffies64();
	w->generation = express_generation();
	w->base = express_base();
	e = express_classify(w);
	if (!e || e->mac != w->mac || !express_is_good(e, w->now, w->generation))
		return EXPRESS_MISS;
	return with_flows && e->kind >= EXPRESS_BY_FLOW ? express_by_tuple(p, w, head, e->kind) :
							  express_send_side(p, e, w, head);
}

/* Returns the plane's action for a packet that it has sent, or EXPRESS_MISS with the packet
 * unchanged: then run() of pipeline.h goes on. ifindex: the device that received it */
INLINE int express_first(void *ctx, __u32 ifindex)
{
	struct pkt p = { .ctx = ctx, .plane = PLANE_XDP, .s = state_find() };
	struct express_work *w;
	int action;

	if (unlikely(!with_express || !p.s || p.s->busy))
		return EXPRESS_MISS;
	w = &p.s->express;
	w->learn = LEARN_NOTHING;
	if (!express_is_worth_it(p.s))
		return EXPRESS_MISS;
	w->ifindex = ifindex;
	action = express_look(&p, w);
	if (likely(action != EXPRESS_MISS)) {
		if (w->credit < EXPRESS_CREDIT)
			w->credit += EXPRESS_CREDIT_HIT;
		p.s->express_count.hits++;
		return action;
	}
	if (w->credit)
		w->credit--;
	p.s->express_count.misses++;
	return EXPRESS_MISS;
}
