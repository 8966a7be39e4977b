/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What a plane gives to the pipeline, by the name of its entry point's constant p->plane:
 *   load(p)                  data and end, headers made linear; 0 or NOT_OURS
 *   for_us(p)                the frame was for this host and is untagged
 *   whole(p)                 all p->len bytes are there
 *   pull_extensions(p, first)  past IPv4 options or IPv6 extension headers
 *   judge(p)                 what a packet between sites is that is no plain UDP (judge.h)
 *   reach(p)                 the header at p->l4 made linear; 0 or NOT_OURS
 *   can_send(p, nexthop)     0, or the reason why this plane cannot
 *   make_room(p, nexthop)    headers of the way out fit in front of the IP header; 0, or a reason with the packet unchanged
 *   trim(p)                  bytes behind the IP packet taken off; 0 or a reason
 *   rewrite_checksum(p, udp, ports)  the UDP checksum, where addresses changed by p->delta and ports by this; the last write. No
 *                            udp: a later fragment
 *   hop_checksum(p)          after IPv6's hop limit alone was written
 *   send(p, nexthop, action) Ethernet header and off; 0 or a reason
 *   give(p, ifindex, action) likewise, to a tunnel
 */
#ifndef WGXDP_PLANE_H
#define WGXDP_PLANE_H

#include "maps.h"
#include "csum.h"
#include "extensions.h"

/* What GSO makes of a packet, of which there are len bytes: segments of size bytes of payload. Where a virtual machine sent it,
 * nobody has counted them yet (segs: 0). */
INLINE void take_segments(struct pkt *p, __u32 segs, __u32 size, __u32 len)
{
	__u32 header = p->l4 - p->l3 + sizeof(struct udphdr), end = p->len < len ? p->len : len;
	__u32 payload = end > header ? end - header : 0;

	if (!size || (segs < 2 && payload <= size))
		return;
	p->segments = segs > 1 ? segs : payload / size + !!(payload % size);
	p->segment_len = header + size;
}

/* Bytes of what GSO makes of it, each with its headers */
INLINE __u64 segments_bytes(const struct pkt *p)
{
	return p->len + (p->segments - 1) * (p->l4 - p->l3 + sizeof(struct udphdr));
}

#ifdef WGXDP_HOST
#include "host.h"
#define plane(p, op, ...) host_##op(p, ##__VA_ARGS__)
#else
#include "xdp.h"
#include "tc.h"
#define plane(p, op, ...) ((p)->plane == PLANE_XDP ? xdp_##op(p, ##__VA_ARGS__) : tc_##op(p, ##__VA_ARGS__))
#endif

#endif
