/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * resolve, its first part: may the source come in by this link? XDP runs before the kernel's
 * rp_filter, so we do its work. enter uses link_find(), and fib.h uses client_of().
 *
 * Before: find, guard, flow_way. After: the next hop (fib.h).
 * Reads:  s->src, family, link_flags, link_role, sources; the maps links, sources, source_trie.
 * Writes: nothing.
 */
#pragma once

#include "maps.h"

/* Returns the link, or NULL if `links` does not have it. */
INLINE const struct link *link_find(__u32 ifindex)
{
	__u32 place = ifindex % LINKS;
	const struct link *link = bpf_map_lookup_elem(&links, &place);

	return link && link->ifindex == ifindex ? link : NULL;
}

/* Returns the client that a reply goes to */
INLINE struct addr client_of(const struct pkt *p)
{
	struct addr client = p->s->dst;

	if (with_flows && p->s->has_way)
		client = addr_load(&p->s->flow.way.dst);
	return client;
}

/* True for an address that no host on the other side can have. IPv4: 0.0.0.0/8, 127.0.0.0/8,
 * 224.0.0.0/3. IPv6: ::/64 (unspecified, loopback, IPv4-mapped and IPv4-compatible), multicast,
 * link-local. */
INLINE bool is_martian(bool ipv4, struct addr a)
{
	__u64 top = ipv4 ? bpf_ntohl(addr_to4(a)) : bpf_be64_to_cpu(a.q[0]) >> 32;

	if (ipv4)
		return top < 1 << 24 || top >= 224U << 24 || top >> 24 == 127;
	return !a.q[0] || top >> 24 == 0xff || top >> 22 == 0xfe80 >> 6;
}

INLINE bool sources_covers4(const struct sources *sources, __u32 group, struct addr a)
{
	__be32 a4 = addr_to4(a);

#pragma unroll
	for (int i = 0; i < SOURCES_GROUP; i++) {
		const struct prefix4 *prefix = &sources->ipv4[group * SOURCES_GROUP + i];

		if (unlikely((a4 & prefix->mask) == prefix->addr))
			return true;
	}
	return false;
}

INLINE bool sources_covers6(const struct sources *sources, __u32 group, struct addr a)
{
#pragma unroll
	for (int i = 0; i < SOURCES_GROUP; i++) {
		const struct prefix6 *prefix = &sources->ipv6[group * SOURCES_GROUP + i];

		if ((a.q[0] & prefix->mask.q[0]) == prefix->addr.q[0] &&
		    (a.q[1] & prefix->mask.q[1]) == prefix->addr.q[1])
			return true;
	}
	return false;
}

/* Looks among the prefixes that did not fit in the short list */
INLINE bool sources_trie_covers(__u32 id, const struct addr *a)
{
	struct source_key key = { .prefixlen = 32 + 128, .id = bpf_htonl(id), .addr = *a };

	return bpf_map_lookup_elem(&source_trie, &key) != NULL;
}

/* Returns 0 or PASS_source. A wan's list names the sources that are refused, any other link's list
 * those that are allowed. id: in sources; trie: the link has LINK_SOURCES_TRIE */
INLINE int source_check(bool ipv4, const struct addr *addr, __u32 id, bool trie, bool wan)
{
	const struct sources *list = bpf_map_lookup_elem(&sources, &id);
	struct addr src = *addr;
	bool in;

	if (!list)
		return -PASS_source;
	if (ipv4)
		in = sources_covers4(list, 0, src) ||
		     (list->groups4 > 1 && sources_covers4(list, 1, src));
	else
		in = sources_covers6(list, 0, src) ||
		     (list->groups6 > 1 && sources_covers6(list, 1, src));
	if (with_source_trie && !in && trie)
		in = sources_trie_covers(id, &src);
	return in == !wan ? 0 : -PASS_source;
}

INLINE int link_source(const struct pkt *p)
{
	return source_check(p->s->family == FAMILY_IPV4, &p->s->src, p->s->sources,
			    p->s->link_flags & LINK_SOURCES_TRIE, p->s->link_role == ROLE_WAN);
}
