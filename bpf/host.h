/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The host plane: the pipeline in plain C, for ASan, fuzzing and coverage. It plays xdp or tc, as p->plane says, on a packet in
 * an allocation of its own; the kernel's answers are in host_kernel.h.
 */
#ifndef WGXDP_HOST_H
#define WGXDP_HOST_H

#include <endian.h>
#include <sanitizer/asan_interface.h>
#include "csum.h"
#include "extensions.h"
#include "host_kernel.h"
#include "vlan.h"

enum host_verdict { HOST_PASS, HOST_DROP, HOST_SENT };

struct host_packet {			/* pkt.ctx */
	__u8 *data;
	__u32 len;
	__u32 linear;			/* reached directly: less than len where it lies in several buffers */
	__u32 gso_segs, gso_size;	/* tc */
	__u32 head;			/* bytes in front of it that are free, out of reach until then if they like; 0: no header is put there */
	/* answers */
	__u32 egress;			/* ifindex; 0: not sent */
	bool by_neighbour;		/* tc: sent by bpf_redirect_neigh(), which writes the MACs later */
};

#define HOST_ROOM 128			/* bytes behind a packet that is to change its family; out of reach until then, if it likes */

/* ---- the plane ---- */

INLINE int host_read(void *ctx, __u32 off, void *to, __u32 n)
{
	const struct host_packet *packet = ctx;

	if (off > packet->len || n > packet->len - off || (host_watch && !host_watch(NULL, HOST_NEW)))
		return -EFAULT;
	memcpy(to, packet->data + off, n);
	return 0;
}

/* Brings need bytes into reach, or all there are; 0 or negative. XDP cannot. */
INLINE int host_pull(struct pkt *p, __u32 need)
{
	struct host_packet *packet = p->ctx;

	if (p->plane == PLANE_TC && need > packet->linear)
		packet->linear = need < packet->len ? need : packet->len;
	p->data = packet->data;
	p->end = packet->data + packet->linear;
	return packet->linear < need ? -ENOMEM : 0;
}

#include "host_room.h"

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

INLINE bool host_whole(struct pkt *p)
{
	const struct host_packet *packet = p->ctx;
	__u32 end = p->l3 + p->len;

	if (p->plane == PLANE_TC)
		take_segments(p, packet->gso_segs, packet->gso_size, packet->len - p->l3);
	p->frags = p->plane == PLANE_XDP && end > packet->linear ? LINK_XDP_SENDS_FRAGS : 0;
	return end <= packet->len;
}

INLINE int host_pull_extensions(struct pkt *p, __u8 first)
{
	int rc = extensions_take(p, extensions_walk(p->ctx, p->plane, p->l3, p->family, first));

	host_pull(p, p->l4 + sizeof(struct udphdr));
	return rc;
}

INLINE int host_reach(struct pkt *p)
{
	host_pull(p, p->l4 + sizeof(struct udphdr));
	return 0;
}

INLINE void host_hop_checksum(const struct pkt *p)
{
}

INLINE int host_give(const struct pkt *p, __u32 ifindex, int *ret_action)
{
	if (host_send_fails)
		return -DROP_send_failed;
	((struct host_packet *)p->ctx)->egress = ifindex;
	*ret_action = HOST_SENT;
	return 0;
}

INLINE int host_trim(struct pkt *p)
{
	struct host_packet *packet = p->ctx;

	if (packet->len > p->l3 + p->len)
		packet->len = p->l3 + p->len;
	return 0;
}

INLINE int host_can_send(const struct pkt *p, const struct nexthop *nexthop)
{
	__u16 need = LINK_XDP_SENDS | p->frags;
	const struct udphdr *udp = at(p, p->l4, sizeof(*udp));

	if (p->plane == PLANE_TC)
		return 0;
	if ((nexthop->egress & need) != need && (!p->generic || nexthop->egress & LINK_L3))
		return -PASS_no_transmit;
	if (p->checksum && !p->fragment && udp->check == csum_pseudo(p->pseudo, udp->len))
		return -PASS_partial_checksum;
	return 0;
}

INLINE void host_rewrite_checksum(struct pkt *p, struct udphdr *udp, __u32 ports)
{
	if (udp && p->checksum)
		udp->check = csum_add_udp(udp->check, p->delta + ports);
}

INLINE int host_send(struct pkt *p, const struct nexthop *nexthop, int *ret_action)
{
	struct ethhdr *eth = at(p, 0, sizeof(*eth));
	struct host_packet *packet = p->ctx;

	if (host_send_fails)
		return -DROP_send_failed;
	if (with_vlans && p->plane == PLANE_XDP && vlan_write(p, nexthop))
		return -DROP_send_failed;
	packet->egress = with_vlans && p->plane == PLANE_XDP && nexthop->port ? nexthop->port : nexthop->fib.ifindex;
	packet->by_neighbour = p->through_neighbour && !(nexthop->egress & LINK_L3);
	if (!(nexthop->egress & LINK_L3) && !p->through_neighbour) {
		memcpy(eth->h_dest, nexthop->fib.dmac, ETH_ALEN);
		memcpy(eth->h_source, nexthop->fib.smac, ETH_ALEN);
	}
	*ret_action = HOST_SENT;
	return 0;
}

#endif
