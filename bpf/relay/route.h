/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The step site_find(): which site is the destination in, and may the source address arrive on this
 * link? If the overlay is a /48, each is one array lookup. enter() also calls route_outside() and
 * route_source().
 *
 * Runs after enter() (pipeline.h), and before site_admit() (policy.h).
 * Reads:  s->src, dst, ifindex; the maps subnets, table, routes, peers, own.
 * Writes: s->peers, overlay.
 */
#pragma once

#include "step.h"
#include "table.h"

INLINE bool is_overlay(struct addr a)
{
	return (a.q[0] & overlay_mask_hi) == overlay_hi && (a.q[1] & overlay_mask_lo) == overlay_lo;
}

/* Returns bits 48 to 63 of the address, in host byte order: the number of a /64 in the /48
 * overlay. */
INLINE __u32 subnet_id(struct addr a)
{
	return bpf_be64_to_cpu(a.q[0]) & (SUBNETS - 1);
}

INLINE __u32 route_longest(struct addr a)
{
	struct route_key key = { .prefixlen = 32 + 128, .addr = a };
	const __u32 *word = bpf_map_lookup_elem(&routes, &key);

	return word ? *word : 0;
}

/* Returns the route word of an address (abi_relay.h); 0: it belongs to no peer. */
INLINE __u32 route_word(struct addr a)
{
	__u32 word = ROUTE_LONGER, id;

	if (with_subnets && is_overlay(a)) {
		const __u32 *subnet;

		id = subnet_id(a);
		subnet = bpf_map_lookup_elem(&subnets, &id);
		word = subnet ? *subnet : 0;
	} else if (with_routes64) {
		struct table_key key = {
			{ .q = { a.q[0], 0 } }, table_word(KEY_ROUTE, FAMILY_IPV6, 0, 0),
		};
		const struct table_entry *entry = table_find(&key);

		word = entry ? entry->route.word : word;
	}
	if (with_routes && word & ROUTE_LONGER)
		word = route_longest(a);
	return word;
}

/* Returns whether the packet is for a peer's own address outside the overlay. */
INLINE bool route_outside(const struct pkt *p)
{
	return with_routes && route_longest(p->s->dst) & ROUTE_PEER_MASK;
}

/* Returns whether the packet is for an address of our own in the overlay, which may belong to a
 * flow or to a listener. So it takes the way of packets from outside the overlay. */
INLINE bool route_own(const struct pkt *p)
{
	return (with_flows || p->link->flags & LINK_LISTENS) &&
	       route_word(p->s->dst) & ROUTE_LOCAL;
}

INLINE const struct peer *peer_find(__u32 id)
{
	return bpf_map_lookup_elem(&peers, &id);
}

/* Returns the entry of the link in the map own, or NULL if it has none. */
INLINE const struct own *own_find(__u32 ifindex)
{
	__u32 place = ifindex % LINKS;
	const struct own *o = bpf_map_lookup_elem(&own, &place);

	return o && o->ifindex == ifindex ? o : NULL;
}

/* Sets s->peers to the sending peer if it is behind this link; otherwise returns PASS_source, which
 * counts for the link's only peer. */
INLINE int route_source(struct pkt *p)
{
	__u32 from = route_word(p->s->src) & ROUTE_PEER_MASK;
	const struct peer *source = peer_find(from);
	const struct own *o;

	if (source && from && source->ifindex == p->s->ifindex) {
		p->s->peers = from;
		return 0;
	}
	o = own_find(p->s->ifindex);
	p->s->peers = o ? o->peer : 0;
	p->s->overlay = true;
	plane(p, whole);	/* s->segments, because each GSO segment counts */
	return -PASS_source;
}

/* Finds the sending and the receiving peer. Returns 0, a reason, or NOT_OURS for a packet to this
 * host. */
INLINE int route_find(struct pkt *p)
{
	__u32 word = route_word(p->s->dst), id = word & ROUTE_PEER_MASK;
	const struct peer *to = peer_find(id);
	int rc;

	if (word & ROUTE_LOCAL)
		return NOT_OURS;
	p->s->overlay = true;
	rc = route_source(p);
	if (rc)
		return rc;
	if (!to || !id || !to->ifindex)
		return -DROP_unrouted;
	if (id == (__u32)p->s->peers)
		return -DROP_same_site;
	p->s->peers |= (__u64)id << 32;
	return 0;
}

/* Handles a packet to a site from a link without peers. The packet is passed up, because the
 * kernel's rules may admit it, and counted for no peer. */
INLINE int route_stray_step(struct pkt *p)
{
	if (p->s->family != FAMILY_IPV6 || !is_overlay(p->s->dst) ||
	    route_word(p->s->dst) & ROUTE_LOCAL)
		return NOT_OURS;
	p->s->overlay = true;
	p->s->direction = PEER_RX;
	p->s->peers = 0;
	return -PASS_source;
}
CALLED_STEP(with_relay, route_stray)
