/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The step flow_commit(): the share of one source. A source, which is an IPv4 address or an IPv6
 * /64, may have HALF_OPEN_SHARE half-open flows per HALF_OPEN_SECONDS, and pool.share LIVE flows.
 * New flows displace flows beyond this share first. A source has two cells in flow_shares, and is
 * within its share if either cell has room. make.h and port.h use this header.
 */
#pragma once

#include "flow/find.h"

#define HALF_OPEN_EACH (HALF_OPEN_SECONDS * tick_rate / HALF_OPEN_SHARE ?: 1)

struct flow_cells {
	struct flow_share *a, *b;
};

/* Finds the two cells of the flow's source in flow_shares. Returns false if the lookup fails. */
INLINE bool flow_cells(const struct flow_work *s, struct flow_cells *ret)
{
	bool original = s->key.direction == DIRECTION_ORIGINAL;
	const struct addr *client = original ? &s->key.src : &s->way.dst;
	__u8 family = original ? s->key.family : s->way.family;
	__u64 source[5] = { client->q[0], family == FAMILY_IPV6 ? 0 : client->q[1], family, 0, 0 };
	__u64 hash = learned_second(learned_hash(source, &learned_secret), &learned_secret);
	__u32 first = hash & flow_share_mask, second = hash >> 32 & flow_share_mask;

	ret->a = bpf_map_lookup_elem(&flow_shares, &first);
	ret->b = bpf_map_lookup_elem(&flow_shares, &second);
	return ret->a && ret->b;
}

/* ---- half-open flows ---- */

/* Charges one half-open flow to its source. now: in jiffies. Returns false if the source's share is
 * used up. */
INLINE bool half_open_charge(const struct flow_work *s, __u64 now)
{
	__u64 each = HALF_OPEN_EACH, most = now + HALF_OPEN_SHARE * each, a, b;
	struct flow_cells cells;

	if (!flow_cells(s, &cells))
		return false;
	a = cells.a->half;
	b = cells.b->half;
	a = (a > now ? a : now) + each;
	b = (b > now ? b : now) + each;
	if (a > most && b > most)
		return false;
	cells.a->half = a > most ? most : a;
	cells.b->half = b > most ? most : b;
	return true;
}

/* Takes back the charge for a half-open flow, because the backend has answered it. */
INLINE void half_open_refund(const struct flow_work *s)
{
	struct flow_cells cells;

	if (!flow_cells(s, &cells))
		return;
	cells.a->half -= HALF_OPEN_EACH;
	cells.b->half -= HALF_OPEN_EACH;
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

INLINE __u32 live_sum(__u64 value)
{
	return (value >> 24 & LIVE_COUNT) + (value & LIVE_COUNT);
}

/* Counts a flow in a cell for this epoch. moved: the flow was counted in the previous epoch, and is
 * subtracted there. */
INLINE void live_add(struct flow_share *cell, __u16 epoch, bool moved)
{
#pragma clang loop unroll(full)
	for (int i = 0; i < 4; i++) {
		__u64 was = read_once(cell->live), value = live_value(was, epoch);

		value += LIVE_ONE - (moved && value & LIVE_COUNT ? 1 : 0);
		if (learned_cas(&cell->live, was, value))
			return;
	}
}

/* Counts a LIVE flow for its source in this epoch. was_counted: the flow was counted in the
 * previous epoch. Returns false if the source's share is used up. */
INLINE bool live_allowed(const struct flow_work *s, const struct pool *pool, __u16 epoch,
			 bool was_counted)
{
	struct flow_cells cells;

	if (!flow_cells(s, &cells))
		return false;
	if (!was_counted && live_sum(live_value(read_once(cells.a->live), epoch)) >= pool->share &&
	    live_sum(live_value(read_once(cells.b->live), epoch)) >= pool->share)
		return false;
	live_add(cells.a, epoch, was_counted);
	live_add(cells.b, epoch, was_counted);
	return true;
}

INLINE __u16 live_epoch(const struct pool *pool, __u64 now)
{
	return now / (learned_units(pool->epoch) ?: 1);
}
