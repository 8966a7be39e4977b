/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The functions that a plane (xdp, tc, or the tests' host plane) provides to the steps. plane(p,
 * OP, ...) calls the function of the plane that p->plane names; p->plane is a constant. enter()
 * uses the first five, resolve() uses can_send, ready() uses make_room, and leave() uses the
 * others.
 *
 *   protocol(p)              EtherType of a packet without an Ethernet header
 *   load(p)                  makes the headers linear; 0 or NOT_OURS
 *   for_us(p)                true if the frame is for this host, and untagged
 *   reach(p)                 makes the header at s->l4 linear; 0 or NOT_OURS
 *   whole(p)                 true if all s->len bytes are present; also counts GSO segments
 *   can_send(p, hop)         0, or the reason why this plane cannot send there
 *   make_room(p, hop)        resizes the space in front of the payload for the new headers
 *                            (Ethernet, VLAN tags, IP header of the other version); 0, or a reason
 *                            with the packet unchanged
 *   trim(p)                  removes bytes behind the IP packet; 0 or a reason
 *   rewrite_checksum(p, udp, ports)  updates the UDP checksum, as the last write: the addresses
 *                            changed by s->service.delta, the ports by `ports`. udp is NULL for a
 *                            later fragment.
 *   hop_checksum(p)          tc: corrects the kernel's sum of the packet (CHECKSUM_COMPLETE) after
 *                            only the IPv6 hop limit was changed
 *   send(p, hop, action)     writes the Ethernet header and sends; 0 or a reason
 *   begin(p, size, ret_len)  XDP: the start of the frame, or NULL if fewer bytes are linear;
 *                            *ret_len: length of its linear part
 *   move_begin(p, bytes)     XDP: removes bytes at the start of the frame (negative: adds bytes);
 *                            0 or a negative value
 *   redirect(p, ifindex, action)  XDP: redirects the frame, which may still be changed. Returns 0,
 *                            or a reason with the packet unchanged.
 *   give(p, ifindex, action) sends to a device without Ethernet headers; 0 or a reason
 */
#pragma once

#include "csum.h"
#include "extensions.h"
#include "maps.h"

/* Sets s->segments, .segment_len and .segment_header for a GSO packet of len bytes as the kernel
 * will segment it. size: payload bytes of a segment. segs: number of segments; 0 in a packet of a
 * virtual machine, whose segments are not counted yet. */
INLINE void take_segments(struct pkt *p, __u32 segs, __u32 size, __u32 len)
{
	/* the IP header with the UDP or TCP header */
	__u32 header = p->s->l4 - p->s->l3 + sizeof(struct udphdr) +
		       (with_relay ? p->s->tcp_more : 0);
	__u32 end = p->s->len < len ? p->s->len : len, payload = end > header ? end - header : 0;

	if (!size || (segs < 2 && payload <= size))
		return;
	p->s->segments = segs > 1 ? segs : payload / size + !!(payload % size);
	p->s->segment_header = header;
	p->s->segment_len = header + size;
}

/* Returns the bytes of all segments together, each with its headers. */
INLINE __u64 segments_bytes(const struct pkt_state *s)
{
	__u64 more = s->segments - 1;

	return s->len + more * s->segment_header;
}

#ifdef WGXDP_HOST
#include "host/host_steps.h"
#define plane(p, op, ...) host_##op(p, ##__VA_ARGS__)
#else
#include "plane/tc.h"
#include "plane/xdp.h"
#define plane(p, op, ...) \
	((p)->plane == PLANE_XDP ? xdp_##op(p, ##__VA_ARGS__) : tc_##op(p, ##__VA_ARGS__))
#endif
