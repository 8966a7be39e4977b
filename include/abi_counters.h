/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Counters: totals of received and forwarded packets, and the reasons why packets were not
 * forwarded. The programs count, user space shows them. Part of abi.h.
 */
#ifndef WGXDP_ABI_COUNTERS_H
#define WGXDP_ABI_COUNTERS_H

enum direction { DIRECTION_ORIGINAL, DIRECTION_REPLY };
enum plane { PLANE_XDP, PLANE_TC };

/* totals: PERCPU_ARRAY, indexed by total_index(). Each received packet is either forwarded or
 * counted under a reason in the map reasons. */
struct total {
	__u64 refused;			/* received packets that were not forwarded */
	__u64 forwarded;		/* packets that were handed to a device */
	/* Bytes of the forwarded packets: IP length at arrival. For a GSO packet, the sum over its
	 * segments. */
	__u64 bytes;
};

/* Returns the packets for the service, or from the peer. */
static inline __u64 total_received(const struct total *t)
{
	return t->refused + t->forwarded;
}

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

/* names: ARRAY, indexed by the id that totals and reasons use: names of the services. An empty name
 * marks a free id. Only user space uses it. */
#define NAME_LEN 64
struct service_name {
	char name[NAME_LEN];
	__u8 nat;			/* NAT of the service: 0: dnat, 1: none, 2: masquerade */
	__u8 pad[7];
};

/* reasons: PERCPU_HASH, struct reason_key -> __u64 packets. */
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

/* transmit_failed: PERCPU_ARRAY, indexed by egress ifindex % LINKS -> __u64 packets that the driver
 * did not accept from XDP.
 *
 * tx_dropped: ARRAY, indexed by ifindex % LINKS -> __u64, the device's own tx_dropped counter at
 * the time when `up` wrote its link. Only user space uses it. Generic XDP and tc send through the
 * network stack, where no tracepoint reports a packet that the driver drops. */

#endif
