/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What a plane gives to the pipeline: plane(p, OP, ...) is the plane's own function, chosen by the
 * constant p->plane.
 *   protocol(p)              the packet's EtherType, where it has no Ethernet header
 *   load(p)                  makes the headers linear; 0 or NOT_OURS
 *   for_us(p)                the frame is for this host, and untagged
 *   whole(p)                 all p->s->len bytes are there; also counts segments
 *   reach(p)                 makes the header at p->s->l4 linear; 0 or NOT_OURS
 *   can_send(p, hop)         0, or the reason why this plane cannot send there
 *   make_room(p, hop)        room for the headers of the way out in front of the IP header, or of
 *                            the other family's IP header; 0, or a reason and an unchanged packet
 *   trim(p)                  takes off bytes behind the IP packet; 0 or a reason
 *   rewrite_checksum(p, udp, ports)  updates the UDP checksum: addresses changed by p->s->service.delta,
 *                            ports by `ports`; the last write. udp is NULL in a later fragment.
 *   hop_checksum(p)          after IPv6's hop limit alone was written
 *   send(p, hop, action)     writes the Ethernet header and sends; 0 or a reason
 *   give(p, ifindex, action) sends to a device without Ethernet headers; 0 or a reason
 */
#pragma once

#include "csum.h"
#include "extensions.h"
#include "maps.h"

/* What GSO makes of a packet of len bytes: segments of size bytes of payload. A virtual machine's
 * packet may not have been counted yet (segs: 0). */
INLINE void take_segments(struct pkt *p, __u32 segs, __u32 size, __u32 len)
{
	__u32 header = p->s->l4 - p->s->l3 + sizeof(struct udphdr);
	__u32 end = p->s->len < len ? p->s->len : len, payload = end > header ? end - header : 0;

	if (!size || (segs < 2 && payload <= size))
		return;
	p->s->segments = segs > 1 ? segs : payload / size + !!(payload % size);
	p->s->segment_len = header + size;
}

/* Bytes of what GSO makes of it, each segment with its headers */
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
