/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Prefixes with one next hop, which the daemon keeps, and the data path's signals to the daemon
 * (bpf/fib.h, user/plan/uniform.c). Part of abi.h.
 */
#ifndef WGXDP_ABI_UNIFORM_H
#define WGXDP_ABI_UNIFORM_H

/* ---- uniform: ARRAY; the slot that answers for every address of a prefix ---- */

/* A block resolves 16 bits of an address, the most significant first, by UNIFORM_ROWS elements of
 * UNIFORM_ROW. IPv4 and IPv6 begin with the first two blocks. slot: 0: ask the FIB; with
 * UNIFORM_DEEPER: the block of the next 16 bits; else one of the NEXTHOP_UNIFORM slots (never the
 * first). Bits in host order. */
enum uniform_root { UNIFORM_IPV4, UNIFORM_IPV6 };
#define UNIFORM_BLOCKS 32
#define UNIFORM_ROW 32
#define UNIFORM_ROWS (65536 / UNIFORM_ROW)
#define UNIFORM_DEEPER 0x8000
struct uniform_row {
	__u16 slot[UNIFORM_ROW];
};

/* signals: RINGBUF of what the data path asks the daemon to do */
enum signal_kind {
	SIGNAL_NONE, SIGNAL_HEARTBEAT,
	/* a message for our own WireGuard came from an unknown place: a site may be there now */
	SIGNAL_MOVED,
	/* is this site where its data comes from? Send it something through its tunnel */
	SIGNAL_CHALLENGE,
};
struct signal {
	__u32 kind;			/* enum signal_kind */
	__u32 site;			/* for SIGNAL_CHALLENGE */
	__u64 jiffies;			/* when */
};

#endif
