/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The map uniform, in which the daemon keeps prefixes that have a single next hop (bpf/fib.h,
 * user/plan/uniform.c); and signals, by which the programs ask the daemon to act. Part of abi.h.
 */
#ifndef WGXDP_ABI_UNIFORM_H
#define WGXDP_ABI_UNIFORM_H

/* ---- uniform: ARRAY of struct uniform_row: address -> slot in nexthops, for replies ---- */

/* A lookup takes 16 bits of the address per step, the most significant bits first (in host order).
 * A block resolves 16 bits; it has UNIFORM_ROWS rows of UNIFORM_ROW elements. IPv4 starts with the
 * first block, IPv6 with the second.
 *
 * An element is 0: ask the FIB. Or it has UNIFORM_DEEPER, plus the number of the block for the next
 * 16 bits. Or it is one of the NEXTHOP_UNIFORM slots, from 1 on. */
enum uniform_root { UNIFORM_IPV4, UNIFORM_IPV6 };
#define UNIFORM_BLOCKS 32
#define UNIFORM_ROW 32
#define UNIFORM_ROWS (65536 / UNIFORM_ROW)
#define UNIFORM_DEEPER 0x8000
struct uniform_row {
	__u16 slot[UNIFORM_ROW];
};

/* signals: RINGBUF of struct signal, from the programs to the daemon. */
enum signal_kind {
	SIGNAL_NONE, SIGNAL_HEARTBEAT,
	/* A message for our own WireGuard came from an unknown address: a site may have moved
	 * there. */
	SIGNAL_MOVED,
	/* A site may have moved: send a packet through its tunnel, whose reply tells where it
	 * is. */
	SIGNAL_CHALLENGE,
};
struct signal {
	__u32 kind;			/* enum signal_kind */
	__u32 site;		/* SIGNAL_CHALLENGE: the site that may have moved */
	__u64 jiffies;			/* time at which it was sent */
};

#endif
