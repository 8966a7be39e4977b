/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Room for the headers with which a packet leaves the host plane, where they are longer or shorter than those that it came with. Part of
 * host.h.
 */
#ifndef WGXDP_HOST_ROOM_H
#define WGXDP_HOST_ROOM_H

#include "host.h"

/* What is behind the IP header moves, in an allocation that has room */
INLINE int host_make_room_across(struct pkt *p)
{
	struct host_packet *packet = p->ctx;
	__u32 l4 = p->l3 + p->way->across.head, rest = packet->len - p->l4;

	if (p->l4 + HOST_ROOM < l4)
		return -PASS_no_headroom;
	ASAN_UNPOISON_MEMORY_REGION(packet->data + packet->len, HOST_ROOM);
	memmove(packet->data + l4, packet->data + p->l4, rest);
	packet->len = l4 + rest;
	packet->linear = packet->len;
	p->l4 = l4;
	p->end = packet->data + packet->len;
	return 0;
}

/* The frame begins elsewhere, so that so many bytes are in front of the IP header */
INLINE int host_make_room_for(struct pkt *p, __u32 bytes)
{
	struct host_packet *packet = p->ctx;
	int grow = (int)bytes - (int)p->l3;

	if (grow > (int)packet->head)
		return -PASS_no_headroom;
	if (grow > 0)
		ASAN_UNPOISON_MEMORY_REGION(packet->data - grow, grow);
	packet->data -= grow;
	packet->len += grow;
	packet->linear += grow;
	packet->head -= grow;
	p->l3 += grow;
	p->l4 += grow;
	host_pull(p, p->l4);
	return 0;
}

INLINE int host_make_room(struct pkt *p, const struct nexthop *nexthop)
{
	int rc = is_across(p) ? host_make_room_across(p) : 0;
	const struct host_packet *packet = p->ctx;

	if (rc)
		return rc;
	if (with_vlans && !p->bare && p->plane == PLANE_XDP)
		return host_make_room_for(p, sizeof(struct ethhdr) + vlan_tags_out(nexthop) * sizeof(struct vlan_tag));
	if (p->bare) {			/* the Ethernet header comes later, with the neighbour's MAC */
		p->through_neighbour = true;
		return !p->l3 && packet->head && !(nexthop->egress & LINK_L3) ? host_make_room_for(p, sizeof(struct ethhdr)) : 0;
	}
	return p->l3 == sizeof(struct ethhdr) ? 0 : -PASS_no_headroom;	/* buffers are as long as packets */
}

#endif
