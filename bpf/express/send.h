/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The express path, second part: the last checks, and sending a packet by its entry.
 *
 * Runs after the lookup (express.h).
 * Reads:  the packet; the entry; the maps health, rates.
 * Writes: the packet; the entry; the maps totals, flow_table, blind_totals, peer_totals, rates.
 */
#pragma once

#include "express/memo.h"
#include "flow/find.h"
#include "flow/nat64.h"
#include "rate.h"

#define EXPRESS_MISS (-1)	/* the pipeline must handle the packet, which is unchanged */

/* Returns whether a packet may bypass the guard. A reply may not while the guard counts unanswered
 * initiations, because it must reset these counters (health_clear()). */
INLINE bool express_guard_agrees(const struct memo *e, const void *head, __u64 len, bool ipv4)
{
	__u32 place = total_service(e->total) * GUARD_BACKENDS_MAX;
	const struct health *state;

	if (!(e->flags & MEMO_DATA))
		return true;
	if (!express_is_data(head, len, ipv4))
		return false;
	if (total_direction(e->total) == DIRECTION_ORIGINAL)
		return true;
	state = bpf_map_lookup_elem(&health, &place);
	return state && !state->known_unanswered;
}

/* Returns whether the rates have room that rates_of_packet() found when the entry was made. If
 * `pays`, charges the packet to them instead, and returns true. */
INLINE bool express_rates(const struct memo *e, __u64 len, __u64 now, bool pays)
{
	bool is_site = e->flags & MEMO_SITE;
	__u32 a = is_site ? rate_of_peer(total_service(e->total), PEER_RX) :
			    rate_of_service(e->total);
	__u32 b = is_site ? rate_of_peer(total_service(e->place), PEER_TX) : NO_RATE;

	if (!pays)
		return rates_have_room(a, b, e->rate, now);
	rates_spend(a, b, e->rate, len, 1, now);
	return true;
}

/* ---- counters ---- */

INLINE void express_count(const struct pkt *p, struct memo *e, __u64 len)
{
	__u32 index = e->total, place = e->place, way = place & (LEARNED_WAYS - 1);
	bool is_site = uses(p, relay) && e->flags & MEMO_SITE;
	struct total *total = is_site ? bpf_map_lookup_elem(&peer_totals, &index) :
					bpf_map_lookup_elem(&totals, &index), *to;
	struct blind_total *pair;
	struct flow_bucket *b;

	if (likely(total)) {
		total->forwarded++;
		total->bytes += len;
	}
	if (is_site) {
		to = bpf_map_lookup_elem(&peer_totals, &place);
		if (to) {
			to->forwarded++;
			to->bytes += len;
		}
	} else if (uses_blind(p) && e->flags & MEMO_BLIND) {
		pair = bpf_map_lookup_elem(&blind_totals, &place);
		if (pair) {
			pair->packets++;
			pair->bytes += len;
		}
	} else if (uses_counts(p)) {
		e->packets++;
		e->bytes += len;
		if (unlikely(e->bytes >> 31))
			e->until = 0;	/* the next packet adds them to the flow */
	} else if (uses_flows(p) && e->flags & MEMO_FLOW) {
		b = flow_bucket(place);
		if (likely(b)) {
			struct flow *f = &b->flow[way];

			barrier_var(f);
			f->packets[total_direction(e->total)]++;
			f->bytes[total_direction(e->total)] += len;
		}
	}
}

/* ---- the Ethernet header ---- */

/* Returns the egress device in the form of struct express_hop .out; 0: the pipeline must send the
 * packet, because its frame leaves with two tags or with an 802.1ad tag. */
INLINE __u32 express_out(const struct nexthop *hop)
{
	if (!with_vlans || !hop->port)
		return hop->fib.ifindex;
	if (hop->tags[1] || hop->egress & LINK_OUTER_AD)
		return 0;
	return express_vlan(hop->port, bpf_ntohs(hop->tags[0]));
}

/* Writes the Ethernet header, after moving the frame's start so that the frame has a tag if it
 * leaves with one, and an IP header that is `more` bytes longer. tag: length of the VLAN tag on
 * arrival. Returns the new address 14 bytes before the IP header, behind which `size` bytes may be
 * used; NULL with the packet unchanged if it has too little headroom. */
INLINE void *express_write_eth(const struct pkt *p, void *head, const struct express_hop *hop,
			       __u32 tag, int more, __u32 size)
{
	__u32 out = hop->out, new_tag = uses(p, vlans) ? (out >> 31) * sizeof(struct vlan_tag) : 0;
	int shrink = (int)tag - (int)new_tag - more;
	void *eth = head;

	if (uses(p, vlans) || more) {
		if (shrink && plane(p, move_begin, shrink))
			return NULL;
		eth = at(p, 0, sizeof(struct ethhdr) + sizeof(struct vlan_tag));
		head = at(p, new_tag, size);
		if (!eth || !head)
			return NULL;
	}
	store_word(__u64, eth, load_word(__u64, hop->macs));
	store_word(__u32, eth + 8, hop->macs[2]);
	if (new_tag) {
		store_word(__be16, eth + 12, bpf_htons(ETH_P_8021Q));
		store_word(__be16, eth + 14, bpf_htons(out >> 18 & 0xfff));
	}
	return head;
}

/* ---- IP and UDP headers ---- */

/* Does the same as csum_add(), with the folded complement of the difference. */
INLINE __u16 express_add(__u16 check, __u16 delta)
{
	__u32 sum = check + delta;

	return sum + ((sum + 1) >> 16);
}

/* Does the same as csum_add_udp(), for a checksum that is not 0. */
INLINE __u16 express_add_udp(__u16 check, __u16 delta)
{
	__u32 sum = check + delta;

	return sum + (sum >> 16);
}

INLINE void express_write_sum(void *udp, const struct memo *e)
{
	__u32 check = load_word(__u16, udp + 6);

	if (likely(check))
		store_word(__u16, udp + 6, express_add_udp(check, e->udp_delta));
}

/* Writes the headers of IP and UDP. A listener's packet keeps its source. */
INLINE void express_write_ip(const struct pkt *p, void *head, const struct memo *e, bool ipv4)
{
	void *udp = head + express_udp_at(ipv4), *ttl = head + (ipv4 ? 22 : 21);

	store_word(__u8, ttl, load_word(__u8, ttl) - 1);
	if (ipv4)
		store_word(__u16, head + 24, express_add(load_word(__u16, head + 24), e->ip_delta));
	if (uses_listeners(p) && (ipv4 ? !load_word(__u32, &e->from) : !~e->from)) {
		store_word(__be16, udp + 2, e->ports[1]);
		if (ipv4)
			store_word(__u32, head + 30, e->addrs[1]);
	} else {
		store_word(__u32, udp, load_word(__u32, e->ports));
		if (ipv4)
			store_word(__u64, head + 26, load_word(__u64, e->addrs));
		else
			addr_store(head + 22, addr_load(&MEMO_MORE(e)->src));
	}
	if (!ipv4)
		addr_store(head + 38, addr_load(&MEMO_MORE(e)->dst));
	express_write_sum(udp, e);
}

/* Translates the packet to the other IP version. Returns false with the packet unchanged if the
 * pipeline must do that: it can compute a missing UDP checksum. */
INLINE bool express_nat64(struct pkt *p, void *head, const struct memo *e,
			  const struct memo_more *more, const struct express_hop *hop, __u32 tag,
			  __u64 len, bool ipv4)
{
	const void *ip = head + sizeof(struct ethhdr);
	struct flow_nat64 *a;

	p->s = state_find();
	if (!load_word(__u16, head + express_udp_at(ipv4) + 6) || !p->s || p->s->busy)
		return false;
	a = &p->s->flow.nat64;
	a->fragment = 0;
	a->payload = len - (express_udp_at(ipv4) - sizeof(struct ethhdr));
	a->head = ipv4 ? sizeof(struct ipv6hdr) : sizeof(struct iphdr);
	a->tos = ipv4 ? ((const struct iphdr *)ip)->tos : bpf_ntohs(*(const __be16 *)ip) >> 4;
	a->ttl = (ipv4 ? ((const struct iphdr *)ip)->ttl :
			 ((const struct ipv6hdr *)ip)->hop_limit) - 1;
	p->s->flow.way.src = addr_load(&more->src);
	p->s->flow.way.dst = addr_load(&more->dst);
	head = express_write_eth(p, head, hop, tag, ipv4 ? 20 : -20,
				 ipv4 ? EXPRESS_HEAD : EXPRESS_HEAD - 20);
	if (!head)
		return false;
	((struct ethhdr *)head)->h_proto = ipv4 ? bpf_htons(ETH_P_IPV6) : bpf_htons(ETH_P_IP);
	if (ipv4)
		nat64_head6(p, head + sizeof(struct ethhdr));
	else
		nat64_head4(p, head + sizeof(struct ethhdr));
	express_write_sum(head + express_udp_at(!ipv4), e);
	store_word(__u32, head + express_udp_at(!ipv4), load_word(__u32, e->ports));
	return true;
}

/* Sends a packet by its entry. head is 14 bytes before its IP header, tag is the length of the VLAN
 * tag on arrival, and len is the length of the IP packet. more: addresses for the packet in the
 * other IP version; NULL: it keeps its version. Returns the plane's action, or EXPRESS_MISS. */
INLINE int express_send(struct pkt *p, void *head, struct memo *e, const struct memo_more *more,
			const struct express_hop *hop, __u32 tag, __u64 len, __u64 now, bool ipv4)
{
	int action;

	if (unlikely(len > hop->mtu - (!more ? 0 : ipv4 ? 20 : -20) ||
		     (uses(p, guards) && !express_guard_agrees(e, head, len, ipv4))))
		return EXPRESS_MISS;
	if (uses(p, rates) && !express_rates(e, len, now, false))
		return EXPRESS_MISS;
	if (unlikely(plane(p, redirect, uses(p, vlans) ? express_ifindex(hop->out) : hop->out,
			   &action)))
		return EXPRESS_MISS;
	if (more) {
		if (!express_nat64(p, head, e, more, hop, tag, len, ipv4))
			return EXPRESS_MISS;
	} else {
		head = express_write_eth(p, head, hop, tag, 0, EXPRESS_HEAD);
		if (uses(p, vlans) && unlikely(!head))
			return EXPRESS_MISS;
		express_write_ip(p, head, e, ipv4);
	}
	express_count(p, e, len);
	if (uses(p, rates))
		express_rates(e, len, now, true);
	return action;
}
