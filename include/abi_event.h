/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Events: samples of dropped packets. The programs write them for `wgxdp monitor` (user/show/).
 * Part of abi.h.
 */
#ifndef WGXDP_ABI_EVENT_H
#define WGXDP_ABI_EVENT_H

/* events: RINGBUF of struct event. Each CPU writes at most one event per jiffy, and only while a
 * monitor is running (event_watch). */
#define EVENTS_BYTES (1 << 18)
struct event {
	/* Drops on this CPU that got no event, since its last event. */
	__u64 skipped;
	struct addr src, dst;
	__be16 sport, dport;		/* 0: none, or not read */
	__u16 reason;			/* enum reason */
	__u8 family;
	__u8 direction, plane;		/* as in struct reason_key */
	__u8 pad[3];
	__u32 id;			/* id of the service, or PEER_ID | id of the peer */
	__u32 ifindex;		/* logical link of arrival */
	__u32 len;	/* length of the IP packet in bytes; for GSO, of the first segment */
	__u32 segments;
};

/* event_watch: ARRAY of one __u64, a time in jiffies. Events are written until then. A running
 * monitor keeps extending that time. */

/* By this each CPU limits its events. */
struct event_budget {
	__u64 last;			/* jiffy of this CPU's last event */
	__u64 skipped;
};

#endif
