/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What a plane (xdp, tc, or the host's for tests) gives to the steps. plane(p, OP, ...) calls the
 * plane's own function, chosen by the constant p->plane. enter uses the first five, resolve
 * can_send, ready make_room, leave the rest.
 *
 *   protocol(p)              EtherType of a packet without an Ethernet header
 *   load(p)                  makes the headers linear; 0 or NOT_OURS
 *   for_us(p)                true if the frame is for this host, and untagged
 *   reach(p)                 makes the header at s->l4 linear; 0 or NOT_OURS
 *   whole(p)                 true if all s->len bytes are there; also counts GSO segments
 *   can_send(p, hop)         0, or the reason why this plane cannot send there
 *   make_room(p, hop)        makes room in front of the payload for the headers of the way out
 *                            (Ethernet, tags, the other family's IP header); 0, or a reason and an
 *                            unchanged packet
 *   trim(p)                  removes bytes behind the IP packet; 0 or a reason
 *   rewrite_checksum(p, udp, ports)  updates the UDP checksum, as the last write: the addresses
 *                            changed by s->service.delta, the ports by `ports`. udp is NULL in a
 *                            later fragment.
 *   hop_checksum(p)          updates sums after IPv6's hop limit alone was written
 *   send(p, hop, action)     writes the Ethernet header and sends; 0 or a reason
 *   linear(p)                XDP: the frame's length as far as it is in reach
 *   move_begin(p, bytes)     XDP: takes bytes off the frame's begin (negative: adds); 0 or negative
 *   redirect(p, ifindex, action)  XDP: sends the frame as it will be; 0, or a reason and an
 *                            unchanged packet
 *   give(p, ifindex, action) sends to a device without Ethernet headers; 0 or a reason
 */
#pragma once

#include "csum.h"
#include "extensions.h"
#include "maps.h"

/* Sets segments and segment_len: what GSO makes of a packet of len bytes, with `size` bytes of
 * payload a segment. A virtual machine's packet may be uncounted yet (segs: 0). */
INLINE void take_segments(struct pkt *p, __u32 segs, __u32 size, __u32 len)
{
	__u32 header = p->s->l4 - p->s->l3 + sizeof(struct udphdr);
	__u32 end = p->s->len < len ? p->s->len : len, payload = end > header ? end - header : 0;

	if (!size || (segs < 2 && payload <= size))
		return;
	p->s->segments = segs > 1 ? segs : payload / size + !!(payload % size);
	p->s->segment_len = header + size;
}

/* Returns the bytes of all segments, each with its headers */
INLINE __u64 segments_bytes(const struct pkt *p)
{
	__u64 more = p->s->segments - 1;

	return p->s->len + more * (p->s->l4 - p->s->l3 + sizeof(struct udphdr));
}

#ifdef WGXDP_HOST
#include "plane/host.h"
#define plane(p, op, ...) host_##op(p, ##__VA_ARGS__)
#else
#include "plane/tc.h"
#include "plane/xdp.h"
#define plane(p, op, ...) \
	((p)->plane == PLANE_XDP ? xdp_##op(p, ##__VA_ARGS__) : tc_##op(p, ##__VA_ARGS__))
#endif
