/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The step flow_commit(): the share of one source. A source is an IPv4 address, or an IPv6 /64, /56
 * and /48. Each of these may have HALF_OPEN_SHARE half-open flows per HALF_OPEN_SECONDS, and
 * pool.share LIVE flows, of one service. New flows displace flows beyond this share first. A source
 * has two cells in flow_shares for each of its prefixes. A prefix is within its share if either of
 * its cells has room. make.h uses this header.
 */
#pragma once

#include "flow/find.h"

#define HALF_OPEN_EACH (HALF_OPEN_SECONDS * tick_rate / HALF_OPEN_SHARE ?: 1)
#define SHARE_PREFIXES 3		/* /64, /56 and /48; an IPv4 source has one, its address */

enum share_charge {
	SHARE_HALF,		/* a half-open flow starts */
	SHARE_REFUND,		/* the backend has answered a half-open flow */
	SHARE_LIVE,		/* a flow becomes LIVE */
	SHARE_LIVE_AGAIN,	/* a flow that counted in the previous epoch counts in this one */
};

/* ---- half-open flows ---- */

/* Returns the value of a cell's .half with one more half-open flow. */
INLINE __u64 half_more(const struct flow_share *cell, __u64 now)
{
	__u64 half = cell->half;

	return (half > now ? half : now) + HALF_OPEN_EACH;
}

INLINE void half_add(struct flow_share *cell, __u64 now)
{
	__u64 most = now + HALF_OPEN_SHARE * HALF_OPEN_EACH, half = half_more(cell, now);

	cell->half = half > most ? most : half;
}

/* ---- LIVE flows: epoch:16 now:24 before:24 ---- */

#define LIVE_COUNT 0xffffff
#define LIVE_ONE (1ULL << 24)

/* Returns a cell's .live value, brought to this epoch: counts of older epochs become 0. */
INLINE __u64 live_value(__u64 value, __u16 epoch)
{
	__u16 was = value >> 48;

	if (was == epoch)
		return value;
	return (__u64)epoch << 48 | ((__u16)(was + 1) == epoch ? value >> 24 & LIVE_COUNT : 0);
}

/* Returns how many LIVE flows the cell has counted in this epoch and the previous one. */
INLINE __u32 live_sum(const struct flow_share *cell, __u16 epoch)
{
	__u64 value = live_value(read_once(cell->live), epoch);

	return (value >> 24 & LIVE_COUNT) + (value & LIVE_COUNT);
}

/* Counts a flow in a cell for this epoch. moved: the flow was counted in the previous epoch, and is
 * subtracted there. */
INLINE void live_add(struct flow_share *cell, __u16 epoch, bool moved)
{
	__u64 was = read_once(cell->live), value = live_value(was, epoch);

	value += LIVE_ONE - (moved && value & LIVE_COUNT ? 1 : 0);
	/* If another CPU has changed the cell meanwhile, it has also begun the epoch there. */
	if (!learned_cas(&cell->live, was, value))
		__sync_fetch_and_add(&cell->live, LIVE_ONE);
}

INLINE __u16 live_epoch(const struct pool *pool, __u64 now)
{
	return now / (learned_units(pool->epoch) ?: 1);
}

/* ---- both ---- */

/* Returns whether a cell has room for the charge s->charge. */
INLINE bool share_has_room(const struct flow_work *s, const struct flow_share *cell,
			   const struct pool *pool)
{
	if (s->charge == SHARE_HALF)
		return half_more(cell, s->now) <= s->now + HALF_OPEN_SHARE * HALF_OPEN_EACH;
	return s->charge != SHARE_LIVE || live_sum(cell, live_epoch(pool, s->units)) < pool->share;
}

INLINE void share_write(const struct flow_work *s, struct flow_share *cell, const struct pool *pool)
{
	if (s->charge == SHARE_HALF)
		half_add(cell, s->now);
	else if (s->charge == SHARE_REFUND)
		cell->half -= HALF_OPEN_EACH;
	else
		live_add(cell, live_epoch(pool, s->units), s->charge == SHARE_LIVE_AGAIN);
}

/* Handles both cells of the source's prefix number s->prefix. If s->charges is false, only looks
 * whether one of them has room. Returns 0, or 1 if there is no room. It is a step of its own, so
 * the verifier walks it once. */
INLINE int flow_share_step(struct pkt_state *state)
{
	struct flow_work *s = &state->flow;
	bool original = s->key.direction == DIRECTION_ORIGINAL;
	const struct addr *client = original ? &s->key.src : &s->way.dst;
	__u8 family = original ? s->key.family : s->way.family;
	__u64 prefix = client->q[0] & bpf_cpu_to_be64(~0ULL << 8 * (s->prefix & 3));
	__u64 source[5] = { prefix, family == FAMILY_IPV6 ? 0 : client->q[1], family, s->id,
			    s->prefix };
	__u64 hash = learned_second(learned_hash(source, &learned_secret), &learned_secret);
	__u32 first = hash & flow_share_mask, second = hash >> 32 & flow_share_mask;
	const struct pool *pool = bpf_map_lookup_elem(&pools, &s->id);
	struct flow_share *a = bpf_map_lookup_elem(&flow_shares, &first);
	struct flow_share *b = bpf_map_lookup_elem(&flow_shares, &second);

	if (!pool || !a || !b)
		return 1;
	if (!s->charges)
		return !share_has_room(s, a, pool) && !share_has_room(s, b, pool);
	share_write(s, a, pool);
	share_write(s, b, pool);
	return 0;
}
STATE_STEP(with_flows, flow_share)

/* Charges s->charge to all prefixes of the flow's source. Returns 0, or 1 without charging if one
 * of them has used up its share. */
INLINE int flow_charge_step(struct pkt_state *state)
{
	struct flow_work *s = &state->flow;
	__u8 family = s->key.direction == DIRECTION_ORIGINAL ? s->key.family : s->way.family;
	__u32 n = family == FAMILY_IPV6 ? SHARE_PREFIXES : 1;

#pragma clang loop unroll(disable)
	for (__u32 i = 0; i < 2 * SHARE_PREFIXES; i++) {
		s->charges = i >= SHARE_PREFIXES;
		s->prefix = i % SHARE_PREFIXES;
		if (i % SHARE_PREFIXES < n && flow_share(state))
			return 1;
	}
	return 0;
}
STATE_STEP(with_flows, flow_charge)

/* Charges the flow's source. Returns false if the source's share is used up. */
INLINE bool share_charge(struct pkt_state *state, enum share_charge charge)
{
	state->flow.charge = charge;
	return !flow_charge(state);
}
