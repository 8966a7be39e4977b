/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Events: samples of dropped packets, for `wgxdp monitor`. Part of abi.h.
 */
#ifndef WGXDP_ABI_EVENT_H
#define WGXDP_ABI_EVENT_H

/* events: RINGBUF of struct event. Each CPU writes at most one a jiffy, and only while a monitor
 * watches (event_watch). */
#define EVENTS_BYTES (1 << 18)
struct event {
	/* drops on this CPU since the last event, without an event */
	__u64 skipped;
	struct addr src, dst;
	__be16 sport, dport;		/* 0 if it has none, or none was read */
	__u16 reason;			/* enum reason */
	__u8 family;
	__u8 direction, plane;		/* as in struct reason_key */
	__u8 pad[3];
	__u32 id;			/* a service's, or PEER_ID | a peer's */
	__u32 ifindex;			/* of the logical link where it came in */
	__u32 len;			/* of the IP packet; of several segments, the first */
	__u32 segments;
};

/* event_watch: ARRAY of one -> __u64, in jiffies: a monitor watches until then, and prolongs it
 * before.
 *
 * event_budget: PERCPU_ARRAY of one: what a CPU may still report */
struct event_budget {
	__u64 last;			/* the jiffy of the last event */
	__u64 skipped;
};

#endif
