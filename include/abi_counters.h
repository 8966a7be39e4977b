/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What is counted: totals, and the reasons for packets that were not forwarded. Part of abi.h.
 */
#ifndef WGXDP_ABI_COUNTERS_H
#define WGXDP_ABI_COUNTERS_H

enum direction { DIRECTION_ORIGINAL, DIRECTION_REPLY };
enum plane { PLANE_XDP, PLANE_TC };

/* totals: PERCPU_ARRAY by total_index(). A packet is only received if it is forwarded or has a
 * reason. */
struct total {
	__u64 received;			/* packets, at classify */
	__u64 forwarded;		/* packets given to a device to send */
	/* of the forwarded: L3 length as received, for GSO of each segment */
	__u64 bytes;
};

static inline __u32 total_index(__u32 id, __u32 direction, __u32 plane)
{
	return id << 2 | plane << 1 | direction;
}
static inline __u32 total_service(__u32 total)
{
	return total >> 2;
}
static inline enum direction total_direction(__u32 total)
{
	return total & 1;
}

/* names: ARRAY by the id of totals and reasons; the data path does not read it. Empty: a free
 * id. */
#define NAME_LEN 64
struct service_name {
	char name[NAME_LEN];
	__u8 nat;			/* 0: dnat, 1: none, 2: masquerade */
	__u8 pad[7];
};

/* reasons: PERCPU_HASH -> __u64 packets */
struct reason_key {
	__u32 id;
	__u8 direction, plane;
	__u16 reason;
};

enum reason {
	REASON_NONE,
#define REASON(kind, name, text) kind##_##name,
#include "reasons.def"
#undef REASON
	REASON_MAX
};

enum verdict_kind { KIND_PASS, KIND_DROP };

/* transmit_failed: PERCPU_ARRAY by egress ifindex % LINKS -> __u64 packets that a driver did not
 * take from XDP.
 *
 * tx_dropped: ARRAY by ifindex % LINKS -> __u64 packets that the device had dropped when its link
 * was written; the data path does not read it. The stack hands over what generic XDP and tc send;
 * if the driver then drops it no tracepoint tells. */

#endif
