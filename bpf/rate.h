/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Rates (include/abi_rate.h): drops packets above the limits of a service or a peer. It is the last
 * check before a packet is rewritten and sent, so that only forwarded packets use up the limits.
 *
 * Runs in ready() (pipeline.h), in site_rewrite() (relay/relay.h), and in the express path.
 * Reads:  s->service, direction, segments, len, peers; the limits in the map rates.
 * Writes: the states in this map.
 */
#pragma once

#include "plane/plane.h"
#include "table.h"

/* Returns the time in the unit of a rate's state. now: in jiffies. */
INLINE __u64 rate_time(__u64 now)
{
	return now << RATE_TICK;
}

/* A kind without a limit has the state 0, which is always in the past. */
INLINE bool rate_has_room(const struct rate *r, __u64 now)
{
	return read_once(r->until[RATE_BYTES]) <= now + r->burst[RATE_BYTES] &&
	       read_once(r->until[RATE_PACKETS]) <= now + r->burst[RATE_PACKETS];
}

/* Several CPUs may call it at once. Each cost is added, whichever CPU is first. */
INLINE void rate_spend_one(struct rate *r, enum rate_of kind, __u64 n, __u64 now)
{
	__u64 cost = n * r->each[kind] >> RATE_FRACTION, old = read_once(r->until[kind]);

	if (!cost)
		return;
	if (old < now && __sync_val_compare_and_swap(&r->until[kind], old, now + cost) == old)
		return;
	__sync_fetch_and_add(&r->until[kind], cost);
}

INLINE void rate_spend(struct rate *r, __u32 bytes, __u32 packets, __u64 now)
{
	rate_spend_one(r, RATE_BYTES, bytes, now);
	rate_spend_one(r, RATE_PACKETS, packets, now);
}

/* ---- by service or peers; now is in jiffies ---- */

/* Returns the rate of a service in one direction, or NULL. total: its index in the map totals. */
INLINE struct rate *rate_of_service(__u32 total)
{
	__u32 index = rate_index(total_service(total), total_direction(total));

	return bpf_map_lookup_elem(&rates, &index);
}

INLINE struct rate *rate_of_peer(__u32 peer, enum peer_direction direction)
{
	__u32 index = peer_rates + rate_index(peer, direction);

	return bpf_map_lookup_elem(&rates, &index);
}

INLINE bool rate_service_has_room(__u32 total, __u64 now)
{
	const struct rate *r = rate_of_service(total);

	return !r || rate_has_room(r, rate_time(now));
}

INLINE bool rate_peers_have_room(__u32 from, __u32 to, __u64 now)
{
	const struct rate *rx = rate_of_peer(from, PEER_RX), *tx = rate_of_peer(to, PEER_TX);

	return !rx || !tx ||
	       (rate_has_room(rx, rate_time(now)) && rate_has_room(tx, rate_time(now)));
}

/* The functions that spend are called ones, so that the verifier walks them only once. */
TABLE_READ int rate_service_spend(__u32 total, __u32 bytes, __u32 packets, __u64 now)
{
	struct rate *r = with_rates ? rate_of_service(total) : NULL;

	if (r)
		rate_spend(r, bytes, packets, rate_time(now));
	return 0;
}

TABLE_READ int rate_peers_spend(__u64 peers, __u32 bytes, __u32 packets, __u64 now)
{
	struct rate *rx = with_rates ? rate_of_peer(peers, PEER_RX) : NULL;
	struct rate *tx = with_rates ? rate_of_peer(peers >> 32, PEER_TX) : NULL;

	if (rx)
		rate_spend(rx, bytes, packets, rate_time(now));
	if (tx)
		rate_spend(tx, bytes, packets, rate_time(now));
	return 0;
}

/* Returns 0 after charging the packet to its rates, otherwise another value. */
INLINE int rate_charge_step(struct pkt_state *s)
{
	__u32 total = total_index(s->service.id, s->direction, 0), bytes = segments_bytes(s);
	__u64 now = bpf_jiffies64();

	if (with_relay && s->overlay) {
		if (!rate_peers_have_room(s->peers, s->peers >> 32, now))
			return -DROP_rate_limited;
		return rate_peers_spend(s->peers, bytes, s->segments, now);
	}
	if (!rate_service_has_room(total, now))
		return -DROP_rate_limited;
	return rate_service_spend(total, bytes, s->segments, now);
}
STATE_STEP(with_rates, rate_charge)

/* Returns 0 or a reason. The verifier sees which one, so it need not try all others. */
INLINE int rate_admits(const struct pkt *p)
{
	return with_rates && rate_charge(p->s) ? -DROP_rate_limited : 0;
}
