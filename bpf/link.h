/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * ours?: the link that a packet came in by, and whether its source may come from there. XDP runs before rp_filter, so this is
 * its work.
 */
#ifndef WGXDP_LINK_H
#define WGXDP_LINK_H

#include "plane.h"

INLINE const struct link *link_find(__u32 ifindex)
{
	__u32 place = ifindex % LINKS;
	const struct link *link = bpf_map_lookup_elem(&links, &place);

	return link && link->ifindex == ifindex ? link : NULL;
}

/* The other side's address: 0.0.0.0/8, 127.0.0.0/8, 224.0.0.0/3; ::/64 (which holds the unspecified, the loopback, the
 * IPv4-mapped and IPv4-compatible addresses), multicast, link-local */
INLINE __u64 is_martian(const struct pkt *p, struct addr a)
{
	__u64 top = bpf_ntohl(p->family == FAMILY_IPV4 ? a.w[3] : a.w[0]);

	if (p->family == FAMILY_IPV4)
		return below((224U << 24) - 1, top) | is_zero(top >> 24) | is_zero(top >> 24 ^ 127);
	return is_zero(a.q[0]) | is_zero(top >> 24 ^ 0xff) | is_zero(top >> 22 ^ 0xfe80 >> 6);
}

/* All ones where some prefix of the group covers the address. No branches: with them the verifier would walk the rest of the
 * program once for each outcome. (~d & (d - 1)) has its top bit set only where d is 0, as long as d's own is not set. */
INLINE __u64 sources_covers4(const struct sources *sources, __u32 group, const struct addr *a)
{
	__u64 in = 0;

#pragma unroll
	for (int i = 0; i < SOURCES_GROUP; i++) {
		const struct prefix4 *prefix = &sources->ipv4[group * SOURCES_GROUP + i];
		__u64 differs = (a->w[3] & prefix->mask) ^ prefix->addr;

		in |= differs - 1;
	}
	return in >> 63;
}

INLINE __u64 sources_covers6(const struct sources *sources, __u32 group, const struct addr *a)
{
	__u64 in = 0;

#pragma unroll
	for (int i = 0; i < SOURCES_GROUP; i++) {
		const struct prefix6 *prefix = &sources->ipv6[group * SOURCES_GROUP + i];
		__u64 differs = ((a->q[0] & prefix->mask.q[0]) ^ prefix->addr.q[0]) |
				((a->q[1] & prefix->mask.q[1]) ^ prefix->addr.q[1]);

		in |= ~differs & (differs - 1);
	}
	return in >> 63;
}

/* The prefixes that did not fit in the short list */
INLINE __u64 sources_trie_covers(const struct link *link, const struct addr *a)
{
	struct source_key key = { .prefixlen = 32 + 128, .id = bpf_htonl(link->sources), .addr = *a };

	return bpf_map_lookup_elem(&source_trie, &key) != NULL;
}

/* On a lan the source must be in the list, on a wan it must not. */
INLINE int link_source(const struct pkt *p)
{
	const struct link *link = p->link;
	__u32 id = link->sources;
	const struct sources *list = bpf_map_lookup_elem(&sources, &id);
	__u64 in;

	if (!list)
		return -PASS_source;
	if (p->family == FAMILY_IPV4) {
		in = sources_covers4(list, 0, &p->src);
		if (list->groups4 > 1)
			in |= sources_covers4(list, 1, &p->src);
	} else {
		in = sources_covers6(list, 0, &p->src);
		if (list->groups6 > 1)
			in |= sources_covers6(list, 1, &p->src);
	}
	if (with_source_trie && link->flags & LINK_SOURCES_TRIE)
		in |= sources_trie_covers(link, &p->src);
	return in == (link->role == ROLE_LAN) ? 0 : -PASS_source;
}

#endif
