/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * classify of a relay: whose site the destination is in, and whether the source may come from where it came. Both are one read
 * of an array where the overlay is a /48.
 */
#ifndef WGXDP_ROUTE_H
#define WGXDP_ROUTE_H

#include "table.h"

INLINE bool is_overlay(struct addr a)
{
	return !(((a.q[0] & overlay_mask_hi) ^ overlay_hi) | ((a.q[1] & overlay_mask_lo) ^ overlay_lo));
}

/* Of a /48 whose sites are its /64s: bits 48 to 63, in host order */
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

/* Whose an address is: a word of abi_relay.h; 0: nobody's */
INLINE __u32 route_word(struct addr a)
{
	__u32 word = ROUTE_LONGER, id;

	if (with_subnets && is_overlay(a)) {
		const __u32 *subnet;

		id = subnet_id(a);
		subnet = bpf_map_lookup_elem(&subnets, &id);
		word = subnet ? *subnet : 0;
	} else if (with_routes64) {
		struct table_key key = { { .q = { a.q[0], 0 } }, table_word(KEY_ROUTE, FAMILY_IPV6, 0, 0) };
		const struct table_entry *entry = table_find(&key);

		word = entry ? entry->route.word : word;
	}
	if (with_routes && word & ROUTE_LONGER)
		word = route_longest(a);
	return word;
}

/* Whether it is for a peer's own address: outside of the overlay peers have no others, and no sites */
INLINE bool route_outside(const struct pkt *p)
{
	return with_routes && route_longest(p->dst) & ROUTE_PEER_MASK;
}

INLINE const struct peer *peer_find(__u32 id)
{
	return bpf_map_lookup_elem(&peers, &id);
}

/* Of the link that a packet came in by; NULL: there is no relay on it */
INLINE const struct own *own_find(__u32 ifindex)
{
	__u32 place = ifindex % LINKS;
	const struct own *o = bpf_map_lookup_elem(&own, &place);

	return o && o->ifindex == ifindex ? o : NULL;
}

/* The one in p->peers that it is from, if the source is of a peer behind this link; else it counts for the link's only one, and goes up */
INLINE int route_source(struct pkt *p)
{
	__u32 from = route_word(p->src) & ROUTE_PEER_MASK;
	const struct peer *source = peer_find(from);
	const struct own *o;

	if (!source || !from || source->ifindex != p->ifindex) {
		o = own_find(p->ifindex);
		p->peers = o ? o->peer : 0;
		p->overlay = true;
		return -PASS_source;
	}
	p->peers = from;
	return 0;
}

/* Likewise, and, where there is one to which it may go, that one and p->peer. What is for this host is not ours. */
INLINE int route_find(struct pkt *p)
{
	__u32 word = route_word(p->dst), id = word & ROUTE_PEER_MASK;
	const struct peer *to = peer_find(id);
	int rc;

	if (word & ROUTE_LOCAL)
		return NOT_OURS;
	p->overlay = true;
	rc = route_source(p);
	if (rc)
		return rc;
	if (!to || !id || !to->ifindex)
		return -DROP_unrouted;
	if (id == (__u32)p->peers)
		return -DROP_same_site;
	p->peers |= (__u64)id << 32;
	p->peer = to;
	return 0;
}

/* A packet for a site, by a link behind which nobody is: the kernel's, whose rules may let it in; counted to nobody */
INLINE int route_stranger(struct pkt *p)
{
	if (p->family != FAMILY_IPV6 || !is_overlay(p->dst) || route_word(p->dst) & ROUTE_LOCAL)
		return NOT_OURS;
	p->overlay = true;
	p->direction = PEER_RX;
	p->peers = 0;
	return -PASS_source;
}

#endif
