/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Computes how long an entry of the memo is valid; learn.h uses it. An entry is valid at most a
 * second, as long as its next hop. So the FIB is asked, and neighbours are probed, as often as
 * without the memo. Changes within that second raise the generation.
 *
 * Reads: what the steps left; the maps nexthops, control, sessions, answered.
 */
#pragma once

#include "blind/blind.h"
#include "express/express.h"

/* Returns the time in jiffies until which the next hop is valid and no probe of the neighbour is
 * due. */
INLINE __u64 express_hop_until(const struct pkt_state *s, const struct nexthop *hop)
{
	__u64 probe = hop->probe[PLANE_XDP];

	return s->link_flags & LINK_TC && probe < hop->until ? probe : hop->until;
}

/* Returns the time in jiffies until which the side of a reply is valid; 0: make none. A side is
 * useless if clients take turns: each reply then goes to another client than the last one, which
 * needs a FIB lookup. */
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

/* Returns the time in jiffies until which a tuple's next hop is valid. For a reply the route to its
 * backend counts too and, if its next hop is in the map uniform, the daemon's heartbeat. */
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

/* Returns the time in jiffies until which the flow can do without the pipeline, which extends
 * flows; 0: make no tuple. */
INLINE __u64 express_flow_until(const struct flow_work *f)
{
	if (f->way.is_new != FLOW_KNOWN || learned_word_state(f->word) != LEARNED_LIVE)
		return 0;
	return express_jiffies(f->units, flow_ages_in(f));
}

/* Returns the same for a session of the blind relay. */
INLINE __u64 express_session_until(const struct blind_work *b)
{
	return b->make ? 0 : BLIND_UNTIL(session_value(b->from, b->index, b->now));
}

/* Returns the same for a client of a strict guard. Returns 0 if the guard knows only the receiver
 * index, because the client's next packet may have another receiver index. */
INLINE __u64 express_client_until(struct pkt_state *s)
{
	if (!guard_find_client(s))
		return 0;
	return express_jiffies(s->learned.now, learned_left(s->learned.word, s->learned.now));
}
