/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Prefixes with one next hop, which the daemon keeps, and what the data path asks of it (bpf/fib.h, user/plan/uniform.c). Part of
 * abi.h.
 */
#ifndef WGXDP_ABI_UNIFORM_H
#define WGXDP_ABI_UNIFORM_H

/* ---- uniform: ARRAY; which slot answers for every address of a prefix ---- */

/* A block resolves 16 bits of an address, most significant first, in UNIFORM_ROWS elements of UNIFORM_ROW; the first two blocks
 * are where IPv4 and IPv6 begin. slot: 0: ask the FIB; with UNIFORM_DEEPER the block of the next 16 bits; else which of the
 * NEXTHOP_UNIFORM slots (never the first). Bits are taken in host order. */
enum uniform_root { UNIFORM_IPV4, UNIFORM_IPV6 };
#define UNIFORM_BLOCKS 32
#define UNIFORM_ROW 32
#define UNIFORM_ROWS (65536 / UNIFORM_ROW)
#define UNIFORM_DEEPER 0x8000
struct uniform_row {
	__u16 slot[UNIFORM_ROW];
};

/* signals: RINGBUF; what the data path asks of the daemon */
enum signal_kind {
	SIGNAL_NONE, SIGNAL_HEARTBEAT,
	SIGNAL_MOVED,			/* a message for our own WireGuard came from where no site is: perhaps one is there now */
	SIGNAL_CHALLENGE,		/* is this site where its data comes from? Something is to go through its tunnel */
};
struct signal {
	__u32 kind;			/* enum signal_kind */
	__u32 site;			/* of SIGNAL_CHALLENGE */
	__u64 jiffies;			/* when */
};

#endif
