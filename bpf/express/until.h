/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Computes how long an entry of the memo is valid; learn.h uses it. That is at most a second, as
 * long as its next hop. So the FIB is asked, and neighbours are probed, as often as without the
 * memo. Changes within that second raise the generation.
 *
 * Reads: what the steps left; the maps nexthops, control, sessions, answered.
 */
#pragma once

#include "blind/blind.h"
#include "express/express.h"

/* Returns the time until which the next hop may be used without the pipeline: while it is valid,
 * and before a probe of the neighbour is due. */
INLINE __u64 express_hop_until(const struct pkt_state *s, const struct nexthop *hop)
{
	__u64 probe = hop->probe[PLANE_XDP];

	return s->link_flags & LINK_TC && probe < hop->until ? probe : hop->until;
}

/* Returns the time until which the side of a reply is valid. 0: it must not be stored, or storing
 * it is useless. It is useless when clients take turns: each reply then goes to another client than
 * the last one, and needs a FIB lookup. */
INLINE __u64 express_reply_until(const struct pkt_state *s, const struct nexthop *hop, __u64 now,
				 bool uniform)
{
	__u32 slot = s->service.slot;
	const struct nexthop *backend = bpf_map_lookup_elem(&nexthops, &slot);
	__u64 until;

	/* A backend's packet to a listener or for a flow is not a reply to a client. */
	if (!backend || (uniform && (s->service.flags & SERVICE_FLOWS ||
				     s->link_flags & LINK_LISTENS)) ||
	    (!uniform && hop->until == now + tick_rate))
		return 0;
	until = express_hop_until(s, hop);
	return !uniform && until < backend->until ? until : backend->until;
}

/* Converts a time to jiffies. now: the present time in units of abi_learned.h. left: the number of
 * units from then on. */
INLINE __u64 express_jiffies(__u64 now, __u32 left)
{
	return (now + left) << tick_shift;
}

/* Returns the time until which the next hop of a tuple is valid. A reply also depends on the route
 * to its backend. If its next hop comes from the map uniform, it depends on the daemon's heartbeat
 * too. */
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

/* Returns the time until which the flow does not need the pipeline, which extends the flow's time.
 * 0: the memo must not hold the flow. */
INLINE __u64 express_flow_until(const struct flow_work *f)
{
	if (f->way.is_new != FLOW_KNOWN || learned_word_state(f->word) != LEARNED_LIVE)
		return 0;
	return express_jiffies(f->units, flow_ages_in(f));
}

/* Does the same for a session of the blind relay. */
INLINE __u64 express_session_until(const struct blind_work *b)
{
	return b->make ? 0 : BLIND_UNTIL(session_value(b->from, b->index, b->now));
}

/* Does the same for a client that a strict guard knows by its address. If the guard knows only the
 * receiver index, the client's next packet may have another index. */
INLINE __u64 express_client_until(struct pkt_state *s)
{
	if (!guard_find_client(s))
		return 0;
	return express_jiffies(s->learned.now, learned_left(s->learned.word, s->learned.now));
}
