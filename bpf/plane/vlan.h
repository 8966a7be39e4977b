/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * VLAN tags in the steps enter() and leave(), for the xdp plane. (tc runs on the VLAN's own device,
 * where the kernel has removed the tags, and adds them on the way out.) A tagged frame belongs to
 * the link of its VLAN, not to the link of the port.
 *
 * Runs after pull_eth() and before parse() (parse.h); in leave() between rewrite and redirect.
 * Reads:  the tags; the map table; on the way out hop->port, hop->tags.
 * Writes: s->ifindex, s->l3, p->link; on the way out the frame's tags.
 */
#pragma once

#include "link.h"
#include "table.h"

#define VLAN_ID bpf_htons(0x0fff)

struct vlan_tag {
	__be16 tci, proto;
};

INLINE bool is_vlan(__be16 proto)
{
	return proto == bpf_htons(ETH_P_8021Q) || proto == bpf_htons(ETH_P_8021AD);
}

/* Skips one or two VLAN tags: sets s->l3, *proto and the logical link. A tag with id 0 (priority)
 * names no VLAN. */
INLINE int pull_vlan(struct pkt *p, __be16 *proto)
{
	const struct vlan_tag *tag = at(p, sizeof(struct ethhdr), sizeof(*tag)), *second;
	__u16 outer_proto = bpf_ntohs(*proto);
	const struct table_entry *entry;
	__be16 outer, inner = 0;
	struct table_key key;
	__u32 tags = 1;

	if (!tag)
		return NOT_OURS;
	outer = tag->tci & VLAN_ID;
	*proto = tag->proto;
	if (is_vlan(*proto)) {
		second = at(p, sizeof(struct ethhdr) + sizeof(*tag), sizeof(*second));
		if (!second || *proto != bpf_htons(ETH_P_8021Q))
			return NOT_OURS;
		inner = second->tci & VLAN_ID;
		*proto = second->proto;
		tags = 2;
	}
	p->s->l3 = sizeof(struct ethhdr) + tags * sizeof(*tag);
	if (!outer && tags == 1)
		return 0;
	key.addr.q[0] = vlan_key(outer_proto, outer, inner);
	key.addr.q[1] = 0;
	key.word = table_word(KEY_VLAN, 0, 0, p->s->ifindex);
	entry = table_find(&key);
	if (!entry)
		return NOT_OURS;
	p->s->ifindex = entry->vlan.ifindex;
	p->link = link_find(p->s->ifindex);
	return p->link ? 0 : NOT_OURS;
}

/* Returns the number of tags with which the packet leaves. */
INLINE __u32 vlan_tags_out(const struct nexthop *hop)
{
	return hop->port ? 1 + !!hop->tags[1] : 0;
}

/* Writes the tags and the EtherType, between the MAC addresses and the IP header. */
INLINE int vlan_write(struct pkt *p, const struct nexthop *hop)
{
	__be16 proto = family_out(p) == FAMILY_IPV4 ? bpf_htons(ETH_P_IP) : bpf_htons(ETH_P_IPV6);
	__be16 *words = at(p, offsetof(struct ethhdr, h_proto),
			   sizeof(*words) + 2 * sizeof(struct vlan_tag));
	__u32 tags = vlan_tags_out(hop);

	if (!words)	/* never true: an IP header follows */
		return -DROP_send_failed;
	if (!tags) {
		words[0] = proto;
		return 0;
	}
	words[0] = hop->egress & LINK_OUTER_AD ? bpf_htons(ETH_P_8021AD) : bpf_htons(ETH_P_8021Q);
	words[1] = hop->tags[0];
	words[2] = tags == 2 ? bpf_htons(ETH_P_8021Q) : proto;
	if (tags == 2) {
		words[3] = hop->tags[1];
		words[4] = proto;
	}
	return 0;
}
