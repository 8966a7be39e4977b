/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What the tracing programs of `wgxdp monitor` (bpf/look.bpf.c) and user space share. They are not
 * part of the data path and not pinned: their maps are theirs alone.
 */
#ifndef WGXDP_LOOK_ABI_H
#define WGXDP_LOOK_ABI_H

#include <linux/types.h>

enum look_kind {
	LOOK_FORWARDED = 1 << 0,
	LOOK_DROPPED = 1 << 1,
	LOOK_HANDSHAKE = 1 << 2,	/* forwarded, or passed up by tc */
	/* UDP with a TTL or hop limit of at most 1, passed up by tc: perhaps a knock */
	LOOK_LAST_HOP = 1 << 3,
};

/* look_wanted: ARRAY of one */
struct look_wanted {
	__u32 kinds;			/* enum look_kind */
	__u32 each;			/* packets a jiffy and CPU, at most */
};

/* look_budgets: PERCPU_ARRAY of one */
struct look_budget {
	__u64 jiffy, used;
	__u64 skipped;			/* over the limit, since the last reported packet */
};

/* look_packets: PERF_EVENT_ARRAY of this, followed by the packet */
struct look_packet {
	__u64 skipped;
	__u32 kinds, plane;		/* enum look_kind, enum plane */
	__u32 ifindex;			/* where it came in */
	__u32 len;			/* of the packet; may be more than follows here */
	__u32 bare;			/* no Ethernet header */
	__u32 pad;
};
#define LOOK_MAX 65000			/* the most that fits an event */

#endif
