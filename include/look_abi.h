/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What crosses the border between the tracing programs of `wgxdp monitor` (bpf/look.bpf.c) and user space. They are no part of the data
 * path, nor pinned: their maps are theirs alone.
 */
#ifndef WGXDP_LOOK_ABI_H
#define WGXDP_LOOK_ABI_H

#include <linux/types.h>

enum look_kind {
	LOOK_FORWARDED = 1 << 0,
	LOOK_DROPPED = 1 << 1,
	LOOK_HANDSHAKE = 1 << 2,	/* forwarded, or passed up by tc */
	LOOK_LAST_HOP = 1 << 3,		/* UDP with a TTL or hop limit of 1 at most, passed up by tc: perhaps a knock */
};

/* look_wanted: ARRAY of one */
struct look_wanted {
	__u32 kinds;			/* enum look_kind */
	__u32 each;			/* packets a jiffy and CPU at most */
};

/* look_budgets: PERCPU_ARRAY of one */
struct look_budget {
	__u64 jiffy, used;
	__u64 skipped;			/* beyond the limit, since the packet told before */
};

/* look_packets: PERF_EVENT_ARRAY of this, and then the packet */
struct look_packet {
	__u64 skipped;
	__u32 kinds, plane;		/* enum look_kind, enum plane */
	__u32 ifindex;			/* by which it came */
	__u32 len;			/* of it all; perhaps more than there is behind this */
	__u32 bare;			/* without an Ethernet header */
	__u32 pad;
};
#define LOOK_MAX 65000			/* the most that an event has room for */

#endif
