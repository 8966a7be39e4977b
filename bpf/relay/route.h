/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * site_find: which site the destination is in, and whether the source may come in by this link. If
 * the overlay is a /48, each is one read of an array. enter calls route_outside() and
 * route_source() too.
 *
 * Before: enter. After: site_admit (policy.h).
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

/* In a /48 with a /64 for each site: bits 48 to 63, in host order */
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

/* Returns which peer an address belongs to, as a word of abi_relay.h; 0: none */
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

/* Tells whether the packet is for a peer's own address. Peers outside the overlay have no other
 * address, and no site. */
INLINE bool route_outside(const struct pkt *p)
{
	return with_routes && route_longest(p->s->dst) & ROUTE_PEER_MASK;
}

INLINE const struct peer *peer_find(__u32 id)
{
	return bpf_map_lookup_elem(&peers, &id);
}

/* Returns our place on the link, or NULL if no relay is there */
INLINE const struct own *own_find(__u32 ifindex)
{
	__u32 place = ifindex % LINKS;
	const struct own *o = bpf_map_lookup_elem(&own, &place);

	return o && o->ifindex == ifindex ? o : NULL;
}

/* Sets s->peers to the sending peer, if that peer is behind this link. Otherwise the packet counts
 * for the link's only peer, and goes up. */
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
	plane(p, whole);		/* each segment of a GSO packet counts */
	return -PASS_source;
}

/* Also sets the receiving peer, if there is one. A packet for this host is not ours. */
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

/* A packet for a site from a link without peers: it goes up, where the kernel's rules may let it
 * in, and counts for no peer. */
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
