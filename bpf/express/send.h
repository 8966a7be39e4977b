/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The express path, second part: checks whether the packet may be sent and where, then counts,
 * rewrites and sends it. All checks come before the first byte is written.
 *
 * Runs after the lookup of the packet's entry (express.h), and is the last part.
 * Reads:  s->express; the entry; the maps sources, uniform, nexthops, flow_table.
 * Writes: the packet; the maps totals, flow_table, blind_totals, peer_totals.
 */
#pragma once

#include "express/read.h"
#include "fib.h"
#include "flow/find.h"
#include "flow/nat64.h"

#define EXPRESS_MISS (-1)		/* result: the pipeline must handle the packet */

/* ---- checks ---- */

/* Returns true if the hints prove that the source is valid (not martian) and outside the list. */
INLINE bool express_is_free(__u32 list, const struct express_work *w)
{
	const struct source_hints *h = bpf_map_lookup_elem(&source_hints, &list);
	__u64 top;

	if (!h)
		return false;
	if (w->ipv4)
		return source_hint_is_set(h->ipv4, source_hint4(bpf_ntohl(w->key.src[1])));
	top = bpf_be64_to_cpu(w->key.src[0]);
	return source_hint_is_set(h->short6, source_hint6_short(top)) &
	       source_hint_is_set(h->long6, source_hint6_long(top));
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

	/* Such a packet is for the blind relay, which has precedence over services: the pipeline
	 * handles it. */
	if (!c || w->now >= c->heartbeat || uniform_is_due(c, w->now) ||
	    is_martian(w->ipv4, client) ||
	    (with_blind && (__be16)(w->key.word >> 16) == blind_port))
		return NULL;
	slot = uniform_find(w->ipv4, client);
	if (!slot)
		return NULL;
	hop = bpf_map_lookup_elem(&nexthops, &slot);
	if (!hop || !fib_fresh(hop, c, w->now) || hop->port ||
	    (e->flags & EXPRESS_PROBES && w->now >= hop->probe[PLANE_XDP]) ||
	    w->len > hop->fib.mtu_result ||
	    ~hop->egress & (LINK_LISTENS | LINK_XDP_SENDS))
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

/* Writes the new source, or destination, or both. No check can fail after this. */
INLINE void express_rewrite(const struct memo *e, const struct express_work *w, void *head,
			    bool src, bool dst)
{
	struct udphdr *udp = express_udp(head, w->ipv4);

	if (w->ipv4) {
		struct iphdr *ip = head + sizeof(struct ethhdr);

		if (src)
			ip->saddr = e->src[1];
		if (dst)
			ip->daddr = e->dst[1];
		ip->ttl--;
		ip->check = csum_add(ip->check, e->ip_delta);
	} else {
		struct ipv6hdr *ip = head + sizeof(struct ethhdr);

		if (src)
			addr_store(&ip->saddr, (struct addr){ .q = { e->src[0], e->src[1] } });
		if (dst)
			addr_store(&ip->daddr, (struct addr){ .q = { e->dst[0], e->dst[1] } });
		ip->hop_limit--;
	}
	if (src)
		udp->source = e->sport;
	if (dst)
		udp->dest = e->dport;
	if (udp->check)
		udp->check = csum_add_udp(udp->check, e->udp_delta);
}

INLINE void express_write_macs(void *head, const struct memo *e)
{
	store_word(__u64, head, load_word(__u64, e->macs));
	store_word(__u32, head + 8, load_word(__u32, e->macs + 8));
}

/* Sends a packet by its side. Returns the plane's action, or EXPRESS_MISS after changing
 * nothing. */
INLINE int express_send_side(const struct pkt *p, const struct memo *e,
			     const struct express_work *w, void *head)
{
	bool original = (__u8)e->key.word == SIDE_LISTENER;
	const struct nexthop *hop = NULL;
	struct total *total;
	int action;

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
	if (w->len > e->mtu || !total ||
	    plane(p, redirect, hop ? hop->fib.ifindex : e->out, &action))
		return EXPRESS_MISS;
	express_count_total(total, w->len);
	express_rewrite(e, w, head, !original, original);
	if (hop)
		eth_write(head, &hop->fib);
	else
		express_write_macs(head, e);
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

/* Passes to nat64_head4() and nat64_head6() what they need from the entry. */
INLINE void express_begin_nat64(struct pkt_state *s, const struct memo *e,
				const struct express_work *w, const void *head)
{
	struct flow_nat64 *a = &s->flow.nat64;
	const struct ipv6hdr *ip6 = head + sizeof(struct ethhdr);
	const struct iphdr *ip = head + sizeof(struct ethhdr);

	a->fragment = 0;
	a->payload = w->payload;
	a->head = w->ipv4 ? sizeof(*ip6) : sizeof(*ip);
	a->tos = w->ipv4 ? ip->tos : bpf_ntohs(*(__be16 *)ip6) >> 4;
	a->ttl = (w->ipv4 ? ip->ttl : ip6->hop_limit) - 1;
	s->flow.way.src = express_addr(e->src, !w->ipv4);
	s->flow.way.dst = express_addr(e->dst, !w->ipv4);
}

/* Translates the packet to the other IP version. Returns 0, or a negative value with the packet
 * unchanged. The pipeline handles packets without a UDP checksum, because it can compute one. */
INLINE int express_nat64(struct pkt *p, const struct memo *e, const struct express_work *w,
			 void *head)
{
	struct udphdr *udp = express_udp(head, w->ipv4);
	bool to6 = w->ipv4;
	struct ethhdr *eth;

	p->s = state_find();
	if (!udp->check || !p->s || p->s->busy)
		return -1;
	express_begin_nat64(p->s, e, w, head);
	if (plane(p, move_begin, to6 ? -20 : 20))
		return -1;
	eth = at(p, 0, sizeof(*eth) + (to6 ? sizeof(struct ipv6hdr) : sizeof(struct iphdr)) +
			       sizeof(*udp));
	if (unlikely(!eth))
		return 0;		/* never true: these bytes were read before */
	if (to6)
		nat64_head6(p, (void *)(eth + 1));
	else
		nat64_head4(p, (void *)(eth + 1));
	eth->h_proto = to6 ? bpf_htons(ETH_P_IPV6) : bpf_htons(ETH_P_IP);
	udp = express_udp(eth, !to6);
	udp->source = e->sport;
	udp->dest = e->dport;
	udp->check = csum_add_udp(udp->check, e->udp_delta);
	express_write_macs(eth, e);
	return 0;
}

INLINE int express_send_tuple(struct pkt *p, const struct memo *e,
			      const struct express_work *w, void *head)
{
	__u32 index = e->total;
	struct total *total = bpf_map_lookup_elem(&totals, &index);
	bool has_way = with_flows && e->kind != EXPRESS_CLIENT;
	__u64 *packets, *bytes;
	int action;

	/* Two services may share a backend, and this side. */
	if (with_guards && e->flags & EXPRESS_DATA && (!w->is_data || !express_guard_agrees(e)))
		return EXPRESS_MISS;
	if (w->len > e->mtu || !total || (has_way && !express_counters(e, &packets, &bytes)) ||
	    plane(p, redirect, e->out, &action))
		return EXPRESS_MISS;
	if (!(e->flags & EXPRESS_NAT64)) {
		express_rewrite(e, w, head, has_way, true);
		express_write_macs(head, e);
	} else if (express_nat64(p, e, w, head)) {
		return EXPRESS_MISS;
	}
	express_count_total(total, w->len);
	if (has_way) {
		++*packets;
		*bytes += w->len;
	}
	return action;
}

/* Sends a packet between sites. Its entry was made by policy and routes for the same addresses and
 * ports. The pipeline handles a frame with bytes behind the IP packet, because it removes them. */
INLINE int express_send_site(const struct pkt *p, const struct memo *e,
			     const struct express_work *w, void *head)
{
	struct total *sender = bpf_map_lookup_elem(&peer_totals, &e->total);
	struct total *receiver = bpf_map_lookup_elem(&peer_totals, &e->place);
	struct ipv6hdr *ip = head + sizeof(struct ethhdr);
	int action;

	if (w->len > e->mtu || !sender || !receiver ||
	    sizeof(struct ethhdr) + w->len != plane(p, linear) ||
	    plane(p, redirect, e->out, &action))
		return EXPRESS_MISS;
	ip->hop_limit--;
	express_write_macs(head, e);
	express_count_total(sender, w->len);
	receiver->forwarded++;
	receiver->bytes += w->len;
	return action;
}
