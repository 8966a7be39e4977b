/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Layout of the maps of the tracing programs of `wgxdp monitor` (bpf/look.bpf.c). These programs
 * are not part of the data path. Each monitor loads its own programs and maps, and none is pinned.
 */
#ifndef WGXDP_LOOK_ABI_H
#define WGXDP_LOOK_ABI_H

#include <linux/types.h>

enum look_kind {
	LOOK_FORWARDED = 1 << 0,
	LOOK_DROPPED = 1 << 1,
	LOOK_HANDSHAKE = 1 << 2,	/* handshake message: forwarded, or passed up by tc */
	/* UDP with a TTL or hop limit of at most 1, passed up by tc. It may be a knock. */
	LOOK_LAST_HOP = 1 << 3,
};

/* look_wanted: ARRAY of one element. User space writes which packets it wants. */
struct look_wanted {
	__u32 kinds;			/* enum look_kind */
	__u32 each;			/* maximum of packets per jiffy and CPU */
};

/* look_budgets: PERCPU_ARRAY of one element. */
struct look_budget {
	__u64 jiffy, used;
	__u64 skipped;			/* packets above the maximum since the last reported one */
};

/* look_packets: PERF_EVENT_ARRAY of struct look_packet, followed by the packet's bytes. */
struct look_packet {
	__u64 skipped;
	__u32 kinds, plane;		/* enum look_kind, enum plane */
	__u32 ifindex;			/* device on which the packet arrived */
	__u32 len;			/* length of the packet; the event may hold less of it */
	__u32 bare;			/* true: the packet has no Ethernet header */
	__u32 pad;
};
#define LOOK_MAX 65000			/* most bytes of a packet that fit an event */

#endif
