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
INLINE bool express_is_worth_it(struct sides *sides)
{
	return sides->credit || !(++sides->count.not_looked_up & (EXPRESS_TRY - 1));
}

/* ---- the step ---- */

/* Finds the packet's side. An original's destination is asked first, as classify() does. */
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
	}
	w->learn = LEARN_TUPLE;
	e = express_find(sides, &k);
	if (!e || !express_is_good(e, w->now, w->generation))
		return EXPRESS_MISS;
	return express_send_tuple(p, e, w, head);
}

/* The headers are read. Sets w->learn if the pipeline must decide. */
INLINE int express_look(struct pkt *p, struct sides *sides, struct express_work *w, void *head)
{
	const struct memo *e;

	w->learn = LEARN_SIDE;
	w->now = bpf_jiffies64();
	w->generation = express_generation();
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
	return with_tuples && e->kind >= EXPRESS_BY_TUPLE ?
		       express_by_tuple(p, sides, w, head, e->kind) :
		       express_send_side(p, e, w, head);
}

INLINE int express_miss(struct sides *sides)
{
	if (sides->credit)
		sides->credit--;
	sides->count.misses++;
	return EXPRESS_MISS;
}

/* Returns the plane's action for a packet that it has sent, or EXPRESS_MISS with the packet
 * unchanged: then run() of pipeline.h goes on. ifindex: the device that received it */
INLINE int express_first(void *ctx, __u32 ifindex)
{
	struct pkt p = { .ctx = ctx, .plane = PLANE_XDP };
	struct sides *sides = sides_find();
	/* on the stack, where the compiler knows that no packet overlaps it */
	struct express_work w;
	void *head;
	int action;

	if (unlikely(!sides || !express_is_worth_it(sides)))
		return EXPRESS_MISS;
	w = (struct express_work){ .ifindex = ifindex };
	head = at(&p, 0, EXPRESS_HEAD);
	if (!head || !express_read(&p, head, &w))
		return express_miss(sides);
	action = express_look(&p, sides, &w, head);
	if (likely(action != EXPRESS_MISS)) {
		if (sides->credit < EXPRESS_CREDIT)
			sides->credit += EXPRESS_CREDIT_HIT;
		sides->count.hits++;
		return action;
	}
	p.s = state_find();
	if (w.learn && p.s && !p.s->busy)
		p.s->express = w;
	return express_miss(sides);
}

/* The pipeline does not run, so nothing will be learned */
INLINE void express_forget(void)
{
	struct pkt_state *s = state_find();

	if (s)
		s->express.learn = LEARN_NOTHING;
}
