/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * express_learn: until when an entry of the memo is good. That is a second at most, as its next hop
 * is: so the kernel is asked, and a neighbour is probed, as often as without it. What may change
 * sooner changes the generation. learn.h uses this.
 *
 * Reads: what the steps left; the maps nexthops, control, sessions, answered.
 */
#pragma once

#include "blind/blind.h"
#include "express/express.h"

/* Returns until when the next hop may be used without the pipeline: while it is known, and before
 * its neighbour's probe is due */
INLINE __u64 express_hop_until(const struct pkt_state *s, const struct nexthop *hop)
{
	__u64 probe = hop->probe[PLANE_XDP];

	return s->link_flags & LINK_TC && probe < hop->until ? probe : hop->until;
}

/* Returns until when a reply's side is good; 0: it is not known, or not worth it. Where clients
 * take turns the FIB is asked about each, for the next reply is to another one. */
INLINE __u64 express_reply_until(const struct pkt_state *s, const struct nexthop *hop, __u64 now,
				 bool uniform)
{
	__u32 slot = s->service.slot;
	const struct nexthop *backend = bpf_map_lookup_elem(&nexthops, &slot);
	__u64 until;

	/* what is for a listener or for a flow is no reply to a client */
	if (!backend || (uniform && (s->service.flags & SERVICE_FLOWS ||
				     s->link_flags & LINK_LISTENS)) ||
	    (!uniform && hop->until == now + tick_rate))
		return 0;
	until = express_hop_until(s, hop);
	return !uniform && until < backend->until ? until : backend->until;
}

/* Returns the jiffies at which a unit of abi_learned.h begins. now: in units; left: after now */
INLINE __u64 express_jiffies(__u64 now, __u32 left)
{
	return (now + left) << tick_shift;
}

/* Returns until when the tuple's next hop is good. A reply depends on how its backend is reached,
 * too, and on user space if the hop serves a whole prefix (uniform). */
INLINE __u64 express_tuple_until(const struct pkt_state *s, const struct nexthop *hop)
{
	__u32 zero = 0, slot = s->service.slot;
	const struct nexthop *backend = bpf_map_lookup_elem(&nexthops, &slot);
	const struct control *c = bpf_map_lookup_elem(&control, &zero);
	__u64 until = express_hop_until(s, hop);

	if (s->direction == DIRECTION_ORIGINAL || (with_blind && s->is_blind))
		return until;
	if (!backend || !c)
		return 0;
	until = backend->until < until ? backend->until : until;
	return s->out != slot + 1 && c->heartbeat < until ? c->heartbeat : until;
}

/* Returns until when the flow needs no pipeline, which sets its time again; 0: the memo may not
 * hold it */
INLINE __u64 express_flow_until(const struct flow_work *f)
{
	if (f->way.is_new != FLOW_KNOWN || learned_word_state(f->word) != LEARNED_LIVE)
		return 0;
	return express_jiffies(f->units, flow_ages_in(f));
}

/* The same for the session of a blind relay's data */
INLINE __u64 express_session_until(const struct blind_work *b)
{
	return b->make ? 0 : BLIND_UNTIL(session_value(b->from, b->index, b->now));
}

/* The same for a client that a strict guard knows. (If it knows its session alone, its next packet
 * may have another index.) */
INLINE __u64 express_client_until(struct pkt_state *s)
{
	if (!guard_find_client(s))
		return 0;
	return express_jiffies(s->learned.now, learned_left(s->learned.word, s->learned.now));
}
