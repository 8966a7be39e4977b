/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Events: samples of what is dropped, for `wgxdp monitor`. Part of abi.h.
 */
#ifndef WGXDP_ABI_EVENT_H
#define WGXDP_ABI_EVENT_H

/* events: RINGBUF of struct event. Each CPU writes one a jiffy at most, and only while somebody looks at them: until the time in
 * event_watch. */
#define EVENTS_BYTES (1 << 18)
struct event {
	__u64 skipped;			/* drops on this CPU since the event before, of which nothing is told */
	struct addr src, dst;
	__be16 sport, dport;		/* 0 where it has none, or none was read */
	__u16 reason;			/* enum reason */
	__u8 family;
	__u8 direction, plane;		/* as in struct reason_key */
	__u8 pad[3];
	__u32 id;			/* a service's, or PEER_ID | a peer's */
	__u32 ifindex;			/* of the logical link that it came in by */
	__u32 len;			/* of the IP packet, or of the first segment of several */
	__u32 segments;
};

/* event_watch: ARRAY of one → __u64, in jiffies: it looks at events until then, or says so again before
 * event_budget: PERCPU_ARRAY of one: what a CPU may still tell */
struct event_budget {
	__u64 last;			/* the jiffy of the last event */
	__u64 skipped;
};

#endif
