/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Rates (include/abi_rate.h): drops packets above the limits of a service, its client, a peer or a
 * pair of peers. rate_admits() runs before the steps that record the packet (guard_remember(),
 * blind_commit(), flow_commit()), and rate_pay() after them, so that only forwarded packets use up
 * the limits.
 *
 * Runs in ready() and service_way() (pipeline.h), in site_rewrite() (relay/relay.h), and in the
 * express path.
 * Reads:  s->service, direction, segments, len, peers, and the client's address; the maps table,
 *         source_trie; the limits in the map rates.
 * Writes: s->rates; the states in the map rates.
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

/* ---- the rates of a packet: up to three indices in the map rates; now is in jiffies ---- */

#define NO_RATE (~0U)			/* an index that the map does not have */

INLINE bool rate_admits_at(__u32 index, __u64 now)
{
	const struct rate *r = bpf_map_lookup_elem(&rates, &index);

	return !r || rate_has_room(r, rate_time(now));
}

INLINE bool rates_have_room(__u32 a, __u32 b, __u32 c, __u64 now)
{
	return rate_admits_at(a, now) && rate_admits_at(b, now) && rate_admits_at(c, now);
}

/* Charges a packet to one rate. This function and the lookups below are called, not inlined, so
 * that the verifier walks each of them only once. */
TABLE_READ int rate_spend_at(__u32 index, __u32 bytes, __u32 packets, __u64 now)
{
	struct rate *r = with_rates ? bpf_map_lookup_elem(&rates, &index) : NULL;

	if (r)
		rate_spend(r, bytes, packets, rate_time(now));
	return 0;
}

INLINE void rates_spend(__u32 a, __u32 b, __u32 c, __u32 bytes, __u32 packets, __u64 now)
{
	rate_spend_at(a, bytes, packets, now);
	if (b != NO_RATE)
		rate_spend_at(b, bytes, packets, now);
	if (c != NO_RATE)
		rate_spend_at(c, bytes, packets, now);
}

/* Returns the index for a service and a direction. total: the packet's index in the map totals. */
INLINE __u32 rate_of_service(__u32 total)
{
	return rate_index(total_service(total), total_direction(total));
}

INLINE __u32 rate_of_peer(__u32 peer, enum peer_direction direction)
{
	return peer_rates + rate_index(peer, direction);
}

/* Returns the index for a client of a service, or NO_RATE. hi, lo: as in struct addr. */
TABLE_READ __u32 rate_of_client(__u64 hi, __u64 lo, __u32 is_ipv6, __u32 direction)
{
	struct source_key key = {
		.prefixlen = 32 + 128, .id = bpf_htonl(SERVICE_LIST | rate_clients(is_ipv6)),
		.addr.q = { hi, lo },
	};
	const __u8 *number;

	if (!with_client_rates)
		return NO_RATE;
	number = bpf_map_lookup_elem(&source_trie, &key);
	return number ? numbered_rates + rate_index(*number, direction) : NO_RATE;
}

/* Returns the index for packets from one peer to another, or NO_RATE. peers: from | to << 32. */
TABLE_READ __u32 rate_of_pair(__u64 peers)
{
	struct table_key key = { rate_pair(peers, peers >> 32), table_word(KEY_PAIR, 0, 0, 0) };
	const struct table_entry *e = with_pair_rates ? table_find(&key) : NULL;

	return e ? numbered_rates + e->rate : NO_RATE;
}

/* ---- the pipeline ---- */

/* Returns the index for the client of this packet, to or from whichever host it goes. */
INLINE __u32 rate_of_this_client(const struct pkt_state *s)
{
	struct addr client = s->dst;
	__u32 family = s->family;

	if (!with_client_rates || s->is_blind)
		return NO_RATE;
	if (s->direction == DIRECTION_ORIGINAL) {
		client = s->is_quote ? s->quote.dst : s->src;
	} else if (with_flows && s->has_way) {
		client = s->flow.way.dst;
		family = s->leaves;
	}
	return rate_of_client(client.q[0], client.q[1], family == FAMILY_IPV6, s->direction);
}

/* Sets s->rates to the indices in the map rates for this packet, or NO_RATE. */
INLINE void rates_of_packet(struct pkt_state *s)
{
	s->rates[0] = rate_of_service(total_index(s->service.id, s->direction, 0));
	s->rates[1] = NO_RATE;
	if (with_relay && s->overlay) {
		s->rates[0] = rate_of_peer(s->peers, PEER_RX);
		s->rates[1] = rate_of_peer(s->peers >> 32, PEER_TX);
		s->rates[2] = with_pair_rates ? rate_of_pair(s->peers) : NO_RATE;
	} else {
		s->rates[2] = rate_of_this_client(s);
	}
}

/* Returns 0 if the packet's rates have room, otherwise another value. Charges nothing. */
INLINE int rate_check_step(struct pkt_state *s)
{
	rates_of_packet(s);
	return rates_have_room(s->rates[0], s->rates[1], s->rates[2], bpf_jiffies64()) ?
		       0 : -DROP_rate_limited;
}
STATE_STEP(with_rates, rate_check)

INLINE int rate_charge_step(struct pkt_state *s)
{
	rates_spend(s->rates[0], s->rates[1], s->rates[2], segments_bytes(s), s->segments,
		    bpf_jiffies64());
	return 0;
}
STATE_STEP(with_rates, rate_charge)

/* Returns 0 or a reason. The verifier sees which one, so it need not try all others. */
INLINE int rate_admits(const struct pkt *p)
{
	return with_rates && rate_check(p->s) ? -DROP_rate_limited : 0;
}

/* Charges the packet to the rates that rate_admits() found. The caller does this when no later step
 * can drop the packet, because a packet that is not sent must not use up the share of others.
 * Returns 0. */
INLINE int rate_pay(const struct pkt *p)
{
	if (with_rates)
		rate_charge(p->s);
	return 0;
}
