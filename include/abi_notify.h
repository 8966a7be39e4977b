/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Packets to this host that the programs report to the daemon and then pass up: initiations for the
 * host's own WireGuard, and knocks (bpf/notify.h, user/daemon/learn.c). Part of abi.h.
 */
#ifndef WGXDP_ABI_NOTIFY_H
#define WGXDP_ABI_NOTIFY_H

/* Ports of a range for knocks: traceroute increments the port with each probe. */
#define KNOCK_PORTS 100
#define NOTIFY_PORTS 8
#define NOTIFY_BUDGET 100		/* reports of each kind per second and CPU, at most */

/* notify_filter: ARRAY of one element. User space writes which packets the programs report; all
 * zero: none. */
struct notify_filter {
	/* UDP ports on which our own WireGuard listens; 0: unused element. */
	__be16 ports[NOTIFY_PORTS];
	/* The first port of each range of KNOCK_PORTS ports, in host byte order; 0: unused
	 * element. */
	__u16 knocks[NOTIFY_PORTS];
	/* BLAKE2s state for mac1 of our public key, as in struct guard_key. */
	__u32 mac1[NOTIFY_PORTS][8];
};

enum notify_kind { NOTIFY_INITIATION, NOTIFY_KNOCK, NOTIFY_KINDS };

/* The reports of a CPU in the present second. */
struct notify_budget {
	/* Present second, in which reports of each kind are counted: jiffies / tick_rate. */
	__u64 second[NOTIFY_KINDS];
	__u64 count[NOTIFY_KINDS];
};

/* notifications: RINGBUF of struct notification. A reported initiation has a valid mac1, which
 * proves only that its sender knows our public key. */
#define NOTIFICATIONS_BYTES (1 << 16)
#define INITIATION_BYTES 148
struct notification {
	struct addr src, dst;
	__be16 sport, dport;
	__u8 family, kind;		/* enum notify_kind */
	__u8 pad[2];
	__u32 ifindex;			/* port (device) of arrival */
	__u8 message[INITIATION_BYTES];	/* NOTIFY_INITIATION: the whole message */
};

#endif
