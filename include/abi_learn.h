/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Packets for this host that the data path reports to the daemon and passes up: initiations for its
 * own WireGuard, and knocks (bpf/hear.h, user/daemon/learn.c). Part of abi.h.
 */
#ifndef WGXDP_ABI_LEARN_H
#define WGXDP_ABI_LEARN_H

#define KNOCK_PORTS 100			/* traceroute raises the port with each probe */
#define HEAR_PORTS 8
#define HEAR_BUDGET 100			/* of each kind, a second and CPU */

/* hearing: ARRAY of one: what to report; all 0: nothing */
struct hearing {
	__be16 ports[HEAR_PORTS];	/* on which our WireGuard listens; 0: none */
	__u16 knocks[HEAR_PORTS];	/* the first of KNOCK_PORTS, in host order; 0: none */
	__u32 mac1[HEAR_PORTS][8];	/* as struct guard_key .mac1, of its public key */
};

enum heard_kind { HEARD_INITIATION, HEARD_KNOCK, HEARD_KINDS };

/* hear_budget: PERCPU_ARRAY of one: what this CPU has reported in this second */
struct hear_budget {
	__u64 second[HEARD_KINDS];	/* jiffies / tick_rate */
	__u64 told[HEARD_KINDS];
};

/* heard: RINGBUF of struct heard. An initiation's mac1 is right, which shows no more than that its
 * sender knows the public key. */
#define HEARD_BYTES (1 << 16)
#define INITIATION_BYTES 148
struct heard {
	struct addr src, dst;
	__be16 sport, dport;
	__u8 family, kind;		/* enum heard_kind */
	__u8 pad[2];
	__u32 ifindex;			/* of the port where it came in */
	__u8 message[INITIATION_BYTES];	/* of HEARD_INITIATION */
};

#endif
