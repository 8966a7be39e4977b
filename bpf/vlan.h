/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * VLANs, on the xdp plane alone: tc sees the VLAN's own device, where the kernel has taken the tags off or will put them on.
 * A tagged frame is for the link of its VLAN, never for the port's.
 */
#ifndef WGXDP_VLAN_H
#define WGXDP_VLAN_H

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

/* Past one or two tags: p->l3, *proto and the logical link. Priority tags (id 0) say nothing of a VLAN. */
INLINE int pull_vlan(struct pkt *p, __be16 *proto)
{
	const struct vlan_tag *tag = at(p, sizeof(struct ethhdr), sizeof(*tag)), *second;
	const struct table_entry *entry;
	struct table_key key = {};
	__be16 outer, inner = 0;
	__u64 tags = 1;

	if (!tag)
		return NOT_OURS;
	outer = tag->tci & VLAN_ID;
	key.addr.q[0] = bpf_ntohs(*proto);
	*proto = tag->proto;
	if (is_vlan(*proto)) {
		second = at(p, sizeof(struct ethhdr) + sizeof(*tag), sizeof(*second));
		if (!second || *proto != bpf_htons(ETH_P_8021Q))
			return NOT_OURS;
		inner = second->tci & VLAN_ID;
		*proto = second->proto;
		tags = 2;
	}
	p->l3 = sizeof(struct ethhdr) + tags * sizeof(*tag);
	if (!outer && tags == 1)
		return 0;
	key.addr.q[0] = vlan_key(key.addr.q[0], outer, inner);
	key.word = table_word(KEY_VLAN, 0, 0, p->ifindex);
	entry = table_find(&key);
	if (!entry)
		return NOT_OURS;
	p->ifindex = entry->vlan.ifindex;
	p->link = link_find(p->ifindex);
	return p->link ? 0 : NOT_OURS;
}

/* Tags that a packet leaves with */
INLINE __u64 vlan_tags_out(const struct nexthop *nexthop)
{
	return nexthop->port ? 1 + !!nexthop->tags[1] : 0;
}

#ifndef WGXDP_HOST
/* Moves the frame's begin so that its headers and the tags of its way out fit in front of the IP header. Nothing of it is
 * lost where that fails. */
INLINE int vlan_make_room(struct pkt *p, const struct nexthop *nexthop)
{
	int grow = (int)(sizeof(struct ethhdr) + vlan_tags_out(nexthop) * sizeof(struct vlan_tag)) - (int)p->l3;

	if (!grow)
		return 0;
	if (bpf_xdp_adjust_head(p->ctx, -grow))
		return -PASS_no_headroom;
	p->l3 = (p->l3 + grow) & 0x1f;
	p->l4 = (p->l4 + grow) & 0xfff;
	return 0;
}

#endif

/* What stands between the MACs and the IP header */
INLINE int vlan_write(struct pkt *p, const struct nexthop *nexthop)
{
	__be16 proto = family_out(p) == FAMILY_IPV4 ? bpf_htons(ETH_P_IP) : bpf_htons(ETH_P_IPV6);
	__u64 tags = vlan_tags_out(nexthop);
	__be16 *words = at(p, offsetof(struct ethhdr, h_proto), sizeof(*words) + 2 * sizeof(struct vlan_tag));

	if (!words)		/* an IP header follows, which is longer than two tags */
		return -DROP_send_failed;
	if (!tags) {
		words[0] = proto;
		return 0;
	}
	words[0] = nexthop->egress & LINK_OUTER_AD ? bpf_htons(ETH_P_8021AD) : bpf_htons(ETH_P_8021Q);
	words[1] = nexthop->tags[0];
	words[2] = tags == 2 ? bpf_htons(ETH_P_8021Q) : proto;
	if (tags == 2) {
		words[3] = nexthop->tags[1];
		words[4] = proto;
	}
	return 0;
}

#endif
