/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The memo of the express path: what the pipeline decided about a packet, for the next ones that
 * are like it (bpf/express/). Part of abi.h.
 */
#ifndef WGXDP_ABI_EXPRESS_H
#define WGXDP_ABI_EXPRESS_H

/* memo: ARRAY. Each CPU has a range of its own: EXPRESS_SIDES sides, and then its tuples. Only
 * programs write. */
#define EXPRESS_SIDES 256
#define EXPRESS_TUPLES 8192		/* of a CPU; a power of 2 */

enum express_kind {
	/* a side: a listener, for all its originals, or a backend, for all its replies */
	EXPRESS_ONE,			/* a reply: to the client in dst and dport */
	EXPRESS_UNIFORM,		/* a reply: to any client that the map uniform knows */
	EXPRESS_BY_FLOW, EXPRESS_BY_INDEX,	/* there is a tuple for each flow or session */
	/* a tuple: both addresses and ports */
	EXPRESS_FLOW, EXPRESS_BLIND,
};
enum express_flags {
	EXPRESS_ACROSS = 1 << 0,	/* a tuple: the packet changes its family */
	EXPRESS_PROBES = 1 << 1,	/* uniform: each next hop has its own probe clock */
	EXPRESS_WAN = 1 << 2,		/* an original: the list has refused sources */
};

/* Two cache lines. Network order where a packet has it; addresses as in struct express_key. */
struct memo {
	/* the first line: what a packet is compared with */
	struct express_key {
		/* words as in the header; an IPv4 address is the second word, and the first is 0.
		 * A side has its address in src, and an EXPRESS_ONE of replies its client in
		 * dst. */
		__u64 src[2], dst[2];
		/* a tuple: ifindex << 32 | dport << 16 | sport; a side: express_side_word() */
		__u64 word;
	} key;
	__u64 until;			/* jiffies; good before this */
	__u32 generation;		/* express_generation() before the packet was decided */
	__u16 mtu;			/* the longest packet as it comes */
	__u8 kind;			/* enum express_kind */
	__u8 flags;			/* enum express_flags */
	union {
		__u64 mac;		/* a side: the destination MAC, as in struct link .macs */
		__u64 word;		/* EXPRESS_FLOW: of the flow's place */
		struct {		/* EXPRESS_BLIND */
			__le32 index;	/* the receiver's */
			__u32 pair;	/* in blind_totals */
		};
	};
	/* the second line: what the packet leaves with. A side: src and sport, or dst and dport. */
	__u64 src[2], dst[2];
	__be16 sport, dport;
	__u16 ip_delta, udp_delta;	/* checksum differences, folded */
	__u8 macs[12];			/* destination and source */
	__u32 out;			/* ifindex */
	__u32 total;			/* in totals */
	__u32 place;			/* EXPRESS_FLOW: the flow's; a listener: in sources */
};
_Static_assert(sizeof(struct memo) == 128, "two cache lines");

/* What each value of the map states ends with: packets on this CPU */
struct express_count {
	__u64 hits;			/* sent as the last one of their kind */
	__u64 misses;			/* looked up in vain */
	__u64 not_looked_up;
};

/* The word of a side: which address it has, its family and port, and the device that received the
 * packet */
enum express_side { SIDE_LISTENER = 1, SIDE_BACKEND };
static inline __u64 express_side_word(enum express_side side, __u8 family, __be16 port,
				      __u32 ifindex)
{
	return (__u64)ifindex << 32 | (__u32)(__u16)port << 16 | family << 8 | side;
}

#endif
