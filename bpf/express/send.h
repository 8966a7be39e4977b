/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The express path, second part: checks whether the packet may be sent and where, then counts,
 * rewrites (write.h) and sends it. All checks come before the first byte is written.
 *
 * Runs after the lookup of the packet's entry (express.h).
 * Reads:  s->express; the entry; the maps sources, uniform, nexthops, flow_table.
 * Writes: the packet; the maps totals, flow_table, blind_totals, peer_totals, rates.
 */
#pragma once

#include "express/write.h"
#include "flow/find.h"
#include "rate.h"

#define EXPRESS_MISS (-1)		/* result: the pipeline must handle the packet */

/* ---- checks ---- */

/* Returns true if the hints prove that the source is valid (not martian) and outside the list. */
INLINE bool express_is_free(__u32 list, const struct express_work *w)
{
	const struct source_hints *h = bpf_map_lookup_elem(&source_hints, &list);

	return h && source_hints_exclude(h, w->ipv4 ? bpf_ntohl(w->key.src[1]) :
						      bpf_be64_to_cpu(w->key.src[0]), !w->ipv4);
}

/* Checks the source of an original as link_source() does, for the side of a listener. */
INLINE bool express_admits(const struct memo *e, const struct express_work *w)
{
	bool wan = e->flags & EXPRESS_WAN;
	struct addr src;

	if (wan && express_is_free(e->place, w))
		return true;
	src = express_addr(w->key.src, w->ipv4);
	return !is_martian(w->ipv4, src) &&
	       !source_check(w->ipv4, &src, e->place, e->flags & EXPRESS_TRIE, wan);
}

/* Returns the next hop of a reply from the map uniform, or NULL. */
INLINE const struct nexthop *express_uniform(const struct memo *e,
					     const struct express_work *w)
{
	struct addr client = express_addr(w->key.dst, w->ipv4);
	const struct nexthop *hop;
	__u32 zero = 0, slot;
	struct control *c = bpf_map_lookup_elem(&control, &zero);

	/* The packet is for the blind relay, which has precedence over services: the pipeline
	 * handles the packet. */
	if (!c || w->now >= c->heartbeat || uniform_is_due(c, w->now) ||
	    is_martian(w->ipv4, client) ||
	    (with_blind && (__be16)(w->key.word >> 16) == blind_port))
		return NULL;
	slot = uniform_find(w->ipv4, client);
	if (!slot)
		return NULL;
	hop = bpf_map_lookup_elem(&nexthops, &slot);
	if (!hop || !fib_fresh(hop, c, w->now) || !express_out(hop) ||
	    (e->flags & EXPRESS_PROBES && w->now >= hop->probe[PLANE_XDP]) ||
	    w->len > hop->fib.mtu_result ||
	    ~hop->egress & (LINK_REPLIES | LINK_XDP_SENDS))
		return NULL;
	return hop;
}

/* Returns whether a packet may bypass the guard. A reply may not while the guard counts unanswered
 * initiations, because it must reset these counters (health_clear()). */
INLINE bool express_guard_agrees(const struct memo *e)
{
	__u32 place = total_service(e->total) * GUARD_BACKENDS_MAX;
	const struct health *h;

	if (total_direction(e->total) == DIRECTION_ORIGINAL)
		return true;
	h = bpf_map_lookup_elem(&health, &place);
	return h && !h->known_unanswered;
}

/* ---- sending ---- */

INLINE void express_count_total(struct total *total, __u32 len)
{
	total->received++;
	total->forwarded++;
	total->bytes += len;
}

/* Charges the packet to the rates of its service and its client. express_has_room() has checked
 * that they have room. */
INLINE void express_spend_rate(const struct memo *e, const struct express_work *w)
{
	if (with_rates)
		rates_spend(rate_of_service(e->total), NO_RATE, w->rate, w->len, 1, w->now);
}

/* The same for a packet between sites. */
INLINE void express_spend_site_rate(const struct memo *e, const struct express_work *w)
{
	if (with_rates)
		rates_spend(rate_of_peer(total_service(e->total), PEER_RX),
			    rate_of_peer(total_service(e->place), PEER_TX), w->rate, w->len, 1,
			    w->now);
}

/* Sends a packet by its side. Returns the plane's action, or EXPRESS_MISS after changing
 * nothing. */
INLINE int express_send_side(struct pkt *p, const struct memo *e,
			     const struct express_work *w, void *head)
{
	bool original = (__u8)e->key.word == SIDE_LISTENER;
	const struct nexthop *hop = NULL;
	struct total *total;
	int action;
	__u32 out;

	if (with_guards && e->flags & EXPRESS_DATA && !express_guard_agrees(e))
		return EXPRESS_MISS;
	if (original) {
		if (!express_admits(e, w))
			return EXPRESS_MISS;
	} else if (e->kind == EXPRESS_UNIFORM) {
		hop = express_uniform(e, w);
		if (!hop)
			return EXPRESS_MISS;
	} else if ((e->key.dst[0] ^ w->key.dst[0]) | (e->key.dst[1] ^ w->key.dst[1]) |
		   (e->dport ^ (__be16)(w->key.word >> 16))) {
		return EXPRESS_MISS;
	}
	total = bpf_map_lookup_elem(&totals, &e->total);
	out = hop ? express_out(hop) : e->out;
	if (w->len > e->mtu || !total || plane(p, redirect, express_egress(out), &action))
		return EXPRESS_MISS;
	head = express_write_eth(p, e, w, hop, out, head);
	if (!head)
		return EXPRESS_MISS;
	express_count_total(total, w->len);
	express_rewrite(e, w, head, !original, original);
	express_spend_rate(e, w);
	return action;
}

/* Finds the counters of the tuple's packets. Returns false if the flow no longer exists. */
INLINE bool express_counters(const struct memo *e, __u64 **ret_packets, __u64 **ret_bytes)
{
	__u32 way = e->place & (LEARNED_WAYS - 1), direction = total_direction(e->total);
	__u32 pair = e->pair;
	struct blind_total *total;
	struct flow_bucket *b;

	if (with_blind && e->kind == EXPRESS_BLIND) {
		total = bpf_map_lookup_elem(&blind_totals, &pair);
		if (!total)
			return false;
		*ret_packets = &total->packets;
		*ret_bytes = &total->bytes;
		return true;
	}
	b = flow_bucket(e->place);
	if (!b || !learned_same(e->word, read_once(b->line.word[way])))
		return false;
	*ret_packets = &b->flow[way].packets[direction];
	*ret_bytes = &b->flow[way].bytes[direction];
	return true;
}

INLINE int express_send_tuple(struct pkt *p, const struct memo *e,
			      const struct express_work *w, void *head)
{
	__u32 index = e->total;
	struct total *total = bpf_map_lookup_elem(&totals, &index);
	bool has_way = with_flows && e->kind != EXPRESS_CLIENT;
	__u64 *packets = NULL, *bytes = NULL;
	int action;

	/* Two services may share a backend, and this side. */
	if (with_guards && e->flags & EXPRESS_DATA && (!w->is_data || !express_guard_agrees(e)))
		return EXPRESS_MISS;
	if (w->len > e->mtu || !total || (has_way && !express_counters(e, &packets, &bytes)) ||
	    plane(p, redirect, express_egress(e->out), &action))
		return EXPRESS_MISS;
	if (!(e->flags & EXPRESS_NAT64)) {
		head = express_write_eth(p, e, w, NULL, e->out, head);
		if (!head)
			return EXPRESS_MISS;
		express_rewrite(e, w, head, has_way, true);
	} else if (express_nat64(p, e, w, head)) {
		return EXPRESS_MISS;
	}
	express_count_total(total, w->len);
	express_spend_rate(e, w);
	if (has_way) {
		++*packets;
		*bytes += w->len;
	}
	return action;
}

/* Sends a packet between sites. Its entry was made by policy and routes for the same addresses and
 * ports. The pipeline handles a frame with bytes behind the IP packet, because it removes them. */
INLINE int express_send_site(struct pkt *p, const struct memo *e,
			     const struct express_work *w, void *head)
{
	struct total *sender = bpf_map_lookup_elem(&peer_totals, &e->total);
	struct total *receiver = bpf_map_lookup_elem(&peer_totals, &e->place);
	int action;

	if (w->len > e->mtu || !sender || !receiver ||
	    w->tag + sizeof(struct ethhdr) + w->len != plane(p, linear) ||
	    plane(p, redirect, express_egress(e->out), &action))
		return EXPRESS_MISS;
	head = express_write_eth(p, e, w, NULL, e->out, head);
	if (!head)
		return EXPRESS_MISS;
	((struct ipv6hdr *)(head + sizeof(struct ethhdr)))->hop_limit--;
	express_count_total(sender, w->len);
	express_spend_site_rate(e, w);
	receiver->forwarded++;
	receiver->bytes += w->len;
	return action;
}
