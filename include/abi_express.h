/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The memo of the express path: what the pipeline decided about a packet, for the next ones that
 * are like it (bpf/express/). Part of abi.h.
 */
#ifndef WGXDP_ABI_EXPRESS_H
#define WGXDP_ABI_EXPRESS_H

/* sides: PERCPU_ARRAY of one struct sides. tuples: ARRAY of struct memo; each CPU has a range of
 * its own, for 6.1 calls a function to look up in a PERCPU_ARRAY. Only programs write, and each
 * load of the programs has new ones. */
#define EXPRESS_SIDES 128		/* a power of 2, like the next one */
#define EXPRESS_TUPLES 8192		/* of a CPU, if the configuration does not say */
#define EXPRESS_TUPLES_MIN 256
#define EXPRESS_TUPLES_MAX 1048576

enum express_kind {
	/* a side: a listener, for all its originals, or a backend, for all its replies */
	EXPRESS_ONE,			/* a reply: to the client in dst and dport */
	EXPRESS_UNIFORM,		/* a reply: to any client that the map uniform knows */
	/* there is a tuple for each flow, client or session */
	EXPRESS_BY_TUPLE, EXPRESS_BY_INDEX,
	/* a tuple: both addresses and ports */
	EXPRESS_FLOW, EXPRESS_BLIND,
	EXPRESS_CLIENT,			/* an original of one that was admitted */
};
enum express_flags {
	EXPRESS_ACROSS = 1 << 0,	/* a tuple: the packet changes its family */
	EXPRESS_PROBES = 1 << 1,	/* uniform: each next hop has its own probe clock */
	EXPRESS_WAN = 1 << 2,		/* an original: the list has refused sources */
	EXPRESS_TRIE = 1 << 3,		/* an original: some prefixes are in source_trie */
	EXPRESS_DATA = 1 << 4,		/* a side: data of WireGuard, for a guard */
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

/* Packets on this CPU */
struct express_count {
	__u64 hits;			/* sent as the last one of their kind */
	__u64 misses;			/* looked up in vain */
	__u64 not_looked_up;
};

struct sides {
	struct express_count count;
	__u32 credit;			/* express_is_worth_it() */
	__u32 tuples;			/* the CPU's first in tuples, once a side needs it */
	/* bit ifindex % 64: there may be listeners of that device. Never cleared. */
	__u64 listeners;
	__u8 pad[88];
	struct memo side[EXPRESS_SIDES];
};
_Static_assert(sizeof(struct sides) == 128 * (1 + EXPRESS_SIDES), "sides have whole lines");

/* The word of a side: which address it has, its family and port, and the device that received the
 * packet */
enum express_side { SIDE_LISTENER = 1, SIDE_BACKEND };
static inline __u64 express_side_word(enum express_side side, __u8 family, __be16 port,
				      __u32 ifindex)
{
	return (__u64)ifindex << 32 | (__u32)(__u16)port << 16 | family << 8 | side;
}

#endif
