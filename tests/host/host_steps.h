/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The host plane: runs the steps as plain C, for ASan, fuzzing and coverage. Tests include it
 * through maps.h. The host plane acts as xdp or tc, according to p->plane, on a packet in an
 * allocation of its own. host_kernel.h plays the kernel.
 */
#pragma once

#include <endian.h>
#include <sanitizer/asan_interface.h>
#include "csum.h"
#include "host/host_kernel.h"
#include "plane/vlan.h"

enum host_verdict { HOST_PASS, HOST_DROP, HOST_SENT };

struct host_packet {			/* the packet of a test, at which p->ctx points */
	__u8 *data;
	__u32 len;
	/* Bytes in the linear part; less than len if the packet spans several buffers. */
	__u32 linear;
	__u32 gso_segs, gso_size; /* tc: number of GSO segments, and bytes of payload in each */
	/* Free bytes before the packet, still poisoned for ASan; 0: no headers can be added. */
	__u32 head;
	/* Results of the run. */
	__u32 egress;		/* ifindex of the egress device; 0: the packet was not sent */
	/* tc: bpf_redirect_neigh() sent the packet, and writes the MAC addresses later. */
	bool by_neighbour;
};

#define host_hop_checksum(p)
/* Bytes that are free behind a packet, for its translation to the other IP version. */
#define HOST_ROOM 128

/* ---- access to bytes ---- */

INLINE bool host_has(const struct host_packet *packet, __u32 off, __u32 n)
{
	return off <= packet->len && n <= packet->len - off &&
	       (!host_watch || host_watch(NULL, HOST_NEW));
}

INLINE int host_read(void *ctx, __u32 off, void *to, __u32 n)
{
	const struct host_packet *packet = ctx;

	if (!host_has(packet, off, n))
		return -EFAULT;
	memcpy(to, packet->data + off, n);
	return 0;
}

INLINE int host_write(void *ctx, __u32 off, const void *from, __u32 n)
{
	const struct host_packet *packet = ctx;

	if (!host_has(packet, off, n))
		return -EFAULT;
	memcpy(packet->data + off, from, n);
	return 0;
}

INLINE void *at(const struct pkt *p, __u32 off, __u32 size)
{
	struct host_packet *packet = p->ctx;

	return off + size > packet->linear ? NULL : packet->data + off;
}

/* Makes `need` bytes linear, or all if there are fewer. Returns 0, or a negative value for XDP,
 * which cannot do this. */
INLINE int host_pull(struct pkt *p, __u32 need)
{
	struct host_packet *packet = p->ctx;

	if (p->plane == PLANE_TC && need > packet->linear)
		packet->linear = need < packet->len ? need : packet->len;
	return packet->linear < need ? -ENOMEM : 0;
}

/* ---- the functions of plane.h ---- */

/* The EtherType of a packet that has no Ethernet header. */
HOST_SHARED __be16 host_proto;

#define host_protocol(p) host_proto

INLINE int host_load(struct pkt *p)
{
	host_pull(p, sizeof(struct ethhdr) + sizeof(struct ipv6hdr) + sizeof(struct udphdr));
	return 0;
}

INLINE bool host_for_us(const struct pkt *p)
{
	const struct ethhdr *eth = at(p, 0, sizeof(*eth));
	__u64 mac = 0;

	if (!eth)
		return false;
	memcpy(&mac, eth->h_dest, ETH_ALEN);
	for (int i = 0; i < LINK_MACS; i++)
		if (mac == p->link->macs[i])
			return true;
	return false;
}

INLINE __u32 host_linear(const struct pkt *p)
{
	return ((const struct host_packet *)p->ctx)->linear;
}

INLINE void *host_begin(const struct pkt *p, __u32 size, __u32 *ret_len)
{
	*ret_len = host_linear(p);
	return at(p, 0, size);
}

INLINE bool host_whole(struct pkt *p)
{
	const struct host_packet *packet = p->ctx;
	__u32 end = p->s->l3 + p->s->len;

	if (p->plane == PLANE_TC)
		take_segments(p, packet->gso_segs, packet->gso_size, packet->len - p->s->l3);
	p->s->frags = p->plane == PLANE_XDP && end > packet->linear ? LINK_XDP_SENDS_FRAGS : 0;
	return end <= packet->len;
}

INLINE int host_reach(struct pkt *p)
{
	host_pull(p, p->s->l4 + sizeof(struct udphdr));
	return 0;
}

INLINE int host_can_send(const struct pkt *p, const struct nexthop *hop)
{
	__u16 need = LINK_XDP_SENDS | p->s->frags;
	const struct udphdr *udp = at(p, p->s->l4, sizeof(*udp));

	if (p->plane == PLANE_TC)
		return 0;
	if ((hop->egress & need) != need &&
	    (!p->s->generic || hop->egress & (LINK_L3 | LINK_TC_SENDS)))
		return -PASS_no_transmit;
	if (p->s->checksum && !p->s->fragment && udp->check == csum_fold64(p->s->pseudo + udp->len + htons(IPPROTO_UDP)))
		return -PASS_partial_checksum;
	return 0;
}

/* Moves everything behind the IP header to its offset after translation. The allocation has room
 * for it. */
INLINE int host_make_room_nat64(struct pkt *p)
{
	struct host_packet *packet = p->ctx;
	__u32 l4 = p->s->l3 + p->s->flow.nat64.head, rest = packet->len - p->s->l4;

	if (p->s->l4 + HOST_ROOM < l4)
		return -PASS_no_headroom;
	ASAN_UNPOISON_MEMORY_REGION(packet->data + packet->len, HOST_ROOM);
	memmove(packet->data + l4, packet->data + p->s->l4, rest);
	packet->len = l4 + rest;
	packet->linear = packet->len;
	p->s->l4 = l4;
	return 0;
}

/* Moves the start of the frame to the place `bytes` in front of the IP header. */
INLINE int host_make_room_for(struct pkt *p, __u32 bytes)
{
	struct host_packet *packet = p->ctx;
	int grow = (int)bytes - (int)p->s->l3;

	if (grow > (int)packet->head)
		return -PASS_no_headroom;
	if (grow > 0)
		ASAN_UNPOISON_MEMORY_REGION(packet->data - grow, grow);
	packet->data -= grow;
	packet->len += grow;
	packet->linear += grow;
	packet->head -= grow;
	p->s->l3 += grow;
	p->s->l4 += grow;
	host_pull(p, p->s->l4);
	return 0;
}

INLINE int host_make_room(struct pkt *p, const struct nexthop *hop)
{
	int rc = is_nat64(p) ? host_make_room_nat64(p) : 0;
	const struct host_packet *packet = p->ctx;

	if (rc)
		return rc;
	if (with_vlans && !p->s->bare && p->plane == PLANE_XDP)
		return host_make_room_for(p, sizeof(struct ethhdr) +
					     vlan_tags_out(hop) * sizeof(struct vlan_tag));
	/* The kernel writes the Ethernet header when it resolves the neighbour. */
	if (p->s->bare) {
		p->s->through_neighbour = true;
		return !p->s->l3 && packet->head && !(hop->egress & LINK_L3) ?
		       host_make_room_for(p, sizeof(struct ethhdr)) : 0;
	}
	return p->s->l3 == sizeof(struct ethhdr) ? 0 : -PASS_no_headroom;
}

INLINE int host_trim(struct pkt *p)
{
	struct host_packet *packet = p->ctx;

	if (packet->len > p->s->l3 + p->s->len)
		packet->len = p->s->l3 + p->s->len;
	return 0;
}

INLINE void host_rewrite_checksum(struct pkt *p, struct udphdr *udp, __u32 ports)
{
	if (udp && p->s->checksum)
		udp->check = csum_add_udp(udp->check, p->s->service.delta + ports);
}

INLINE int host_give(const struct pkt *p, __u32 ifindex, int *ret_action)
{
	if (host_send_fails)
		return -DROP_send_failed;
	((struct host_packet *)p->ctx)->egress = ifindex;
	*ret_action = HOST_SENT;
	return 0;
}

#define host_redirect host_give		/* neither function writes to the frame */

/* Adds or removes bytes at the start, like bpf_xdp_adjust_head(). If the allocation has too little
 * free room before the packet, there is room behind it, and the packet's bytes move. */
INLINE int host_move_begin(const struct pkt *p, int bytes)
{
	struct host_packet *packet = p->ctx;

	if (bytes > 0) {
		memmove(packet->data, packet->data + bytes, packet->len - bytes);
	} else if (-bytes <= (int)packet->head) {
		packet->data += bytes;
		packet->head += bytes;
	} else {
		ASAN_UNPOISON_MEMORY_REGION(packet->data + packet->len, HOST_ROOM);
		memmove(packet->data - bytes, packet->data, packet->len);
	}
	packet->len -= bytes;
	packet->linear = packet->len;
	return 0;
}

INLINE int host_send(struct pkt *p, const struct nexthop *hop, int *ret_action)
{
	bool tagged = with_vlans && p->plane == PLANE_XDP;
	struct ethhdr *eth = at(p, 0, sizeof(*eth));
	struct host_packet *packet = p->ctx;

	if (host_send_fails || (tagged && vlan_write(p, hop)))
		return -DROP_send_failed;
	packet->egress = tagged && hop->port ? hop->port : hop->fib.ifindex;
	packet->by_neighbour = p->s->through_neighbour && !(hop->egress & LINK_L3);
	if (!(hop->egress & LINK_L3) && !p->s->through_neighbour) {
		memcpy(eth->h_dest, hop->fib.dmac, ETH_ALEN);
		memcpy(eth->h_source, hop->fib.smac, ETH_ALEN);
	}
	*ret_action = HOST_SENT;
	return 0;
}
