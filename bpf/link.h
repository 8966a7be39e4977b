/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The step resolve(), first part: may the source address arrive on this link? XDP runs before the
 * kernel's rp_filter, so this check replaces it. enter() uses link_find(), and fib.h uses
 * client_of() and link_mtu().
 *
 * Runs after find(), guard() and flow_way(), and before the next hop is looked up (fib.h).
 * Reads:  s->src, family, link_flags, link_role, sources; the maps links, sources, source_trie.
 * Writes: nothing.
 */
#pragma once

#include "maps.h"

/* Returns the link, or NULL if wgxdp does not serve it. */
INLINE const struct link *link_find(__u32 ifindex)
{
	__u32 place = ifindex % LINKS;
	const struct link *link = bpf_map_lookup_elem(&links, &place);

	return link && link->ifindex == ifindex ? link : NULL;
}

/* Returns the length of the longest packet that the link can send. The device's MTU may have
 * changed since user space wrote the link, so this asks the kernel for it. */
INLINE __u32 link_mtu(void *ctx, const struct link *egress, __u32 family)
{
	__u32 mtu = 1;			/* not 0: then the helper takes the packet's length */
#ifdef WGXDP_HOST
	mtu = egress->mtu;
#else
	if (bpf_check_mtu(ctx, egress->ifindex, &mtu, 0, 0) < 0)
		mtu = egress->mtu;
#endif
	mtu = mtu < 0xffff ? mtu : 0xffff;	/* bpf_fib_lookup() has 16 bits for it */
	/* The IPv6 MTU of the device may be smaller than the device's own MTU. */
	if (family == FAMILY_IPV6 && egress->mtu6 < egress->mtu && egress->mtu6 < mtu)
		mtu = egress->mtu6;
	return mtu;
}

/* Returns the client to which a reply goes. */
INLINE struct addr client_of(const struct pkt *p)
{
	struct addr client = p->s->dst;

	if (with_flows && p->s->has_way)
		client = addr_load(&p->s->flow.way.dst);
	return client;
}

/* Returns whether an address is invalid as a source or destination on the wire. IPv4: 0.0.0.0/8,
 * 127.0.0.0/8, 224.0.0.0/3. IPv6: ::/64 (unspecified, loopback, IPv4-mapped and IPv4-compatible),
 * multicast, link-local. */
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

/* Returns whether source_trie has a prefix that contains the address. source_trie has the prefixes
 * for which struct sources has no room. id: as in struct source_key. */
INLINE bool sources_trie_covers(__u32 id, const struct addr *a)
{
	struct source_key key = { .prefixlen = 32 + 128, .id = bpf_htonl(id), .addr = *a };

	return bpf_map_lookup_elem(&source_trie, &key) != NULL;
}

/* Returns 0 or PASS_source. The list of a wan has the refused prefixes; that of any other link has
 * the allowed prefixes. id: index in sources; trie: the link has LINK_SOURCES_TRIE. */
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
