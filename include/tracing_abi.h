/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Shared by the tracing programs of `wgxdp monitor` (bpf/tracing.bpf.c) and user space. The tracing
 * programs are not part of the data path. Each monitor loads its own programs and maps, and none is
 * pinned.
 */
#ifndef WGXDP_TRACING_ABI_H
#define WGXDP_TRACING_ABI_H

#include <linux/types.h>

enum tracing_kind {
	TRACING_HANDSHAKE = 1 << 0,	/* handshake message: forwarded, or passed up by tc */
	/* UDP with a TTL or hop limit of at most 1, passed up by tc. The packet may be a knock. */
	TRACING_LAST_HOP = 1 << 1,
};

/* tracing_wanted: ARRAY of one element. User space writes which packets it wants. */
struct tracing_wanted {
	__u32 kinds;	/* enum tracing_kind: bits of the kinds to report */
	__u32 each;			/* reports per jiffy and CPU, at most */
};

/* tracing_budgets: PERCPU_ARRAY of one element. */
struct tracing_budget {
	__u64 jiffy, used;
};

/* tracing_packets: PERF_EVENT_ARRAY of struct tracing_packet, followed by the packet's bytes. */
struct tracing_packet {
	__u32 kinds, plane;		/* enum tracing_kind, enum plane */
	__u32 ifindex;			/* device on which the packet arrived */
	__u32 len;	/* length of the packet; the event may contain fewer bytes */
	__u32 bare;			/* true: the packet has no Ethernet header */
};
#define TRACING_MAX 256		/* most bytes of a packet that an event holds: all its headers */

#endif
