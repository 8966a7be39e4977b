/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The memo of the express path (bpf/express/): what the pipeline decided for a packet, so that the
 * next packets like it are sent without the pipeline. Only the BPF programs write and read it;
 * `wgxdp show` reads the counters. Part of abi.h.
 */
#ifndef WGXDP_ABI_EXPRESS_H
#define WGXDP_ABI_EXPRESS_H

/* sides: PERCPU_ARRAY of one struct sides. A side is an entry that serves all originals of a
 * listener or all replies of a backend.
 *
 * tuples: ARRAY of struct memo. A tuple is an entry for one flow, client or session. Each CPU uses
 * its own range of this ARRAY, because in Linux 6.1 a lookup in a PERCPU_ARRAY costs a function
 * call.
 *
 * Each load of the programs creates both maps again. */
#define EXPRESS_SIDES 128		/* number of sides; a power of 2, like EXPRESS_TUPLES */
/* Tuples of each CPU, unless the configuration has another number. */
#define EXPRESS_TUPLES 8192
#define EXPRESS_TUPLES_MIN 256
#define EXPRESS_TUPLES_MAX 1048576

enum express_kind {
	/* Sides: one entry for all originals of a listener, or for all replies of a backend. */
	EXPRESS_ONE,			/* reply: only to the client in dst and dport */
	EXPRESS_UNIFORM,	/* reply: to any client whose next hop is in the map uniform */
	/* Sides whose packets each have a tuple: by addresses and ports, or by receiver index. */
	EXPRESS_BY_TUPLE, EXPRESS_BY_INDEX,
	/* Tuples: the key has both addresses and both ports. */
	EXPRESS_FLOW, EXPRESS_BLIND,
	EXPRESS_CLIENT,			/* originals of a client that was admitted */
	EXPRESS_SITE,			/* packets between sites, from nic to nic */
};
enum express_flags {
	EXPRESS_NAT64 = 1 << 0,	/* tuple: the packet is translated between IPv4 and IPv6 */
	EXPRESS_PROBES = 1 << 1,	/* uniform reply: each next hop has its own probe time */
	EXPRESS_WAN = 1 << 2,	/* original: the link's list of sources has refused prefixes */
	EXPRESS_TRIE = 1 << 3,		/* original: some prefixes of the list are in source_trie */
	EXPRESS_DATA = 1 << 4,		/* side: a guard admits only WireGuard data */
};

/* Bit of a tuple's last word, which no ifindex and no express_vlan() has: the tuple is found by a
 * receiver index, too. A host may be both a site and a backend, whose tuples have no index. */
#define EXPRESS_INDEXED (1ULL << 62)

/* An entry of the memo. Fields that a packet has are in network byte order. */
struct memo {
	/* First cache line: the values that a packet is compared with. */
	struct express_key {
		/* Addresses as two words, as in the header. An IPv4 address is the second word, and
		 * the first word is 0. A side has its address in src. A reply side of EXPRESS_ONE
		 * has the client's address in dst. */
		__u64 src[2], dst[2];
		/* tuple: ifindex << 32 | dport << 16 | sport; side: express_side_word(). If the
		 * frame has a VLAN tag, express_vlan() stands in place of the ifindex. */
		__u64 word;
	} key;
	__u64 until;			/* time in jiffies until which the entry is valid */
	__u32 generation;	/* express_generation() before the pipeline decided */
	__u16 mtu; /* longest IP packet at arrival, in bytes, that fits the egress MTU */
	__u8 kind;			/* enum express_kind */
	__u8 flags;			/* enum express_flags */
	union {
		/* Side, EXPRESS_SITE: the destination MAC address, in the form of struct link
		 * .macs. */
		__u64 mac;
		__u64 word;	/* EXPRESS_FLOW: word of the flow's place */
		struct {		/* EXPRESS_BLIND: the session */
			__le32 index;	/* receiver index of the message */
			__u32 pair;	/* index in blind_totals */
		};
	};
	/* Second cache line: what the packet gets. A side replaces only src and sport, or only dst
	 * and dport. */
	__u64 src[2], dst[2];
	__be16 sport, dport;
	/* Changes of the checksums of the IP and the UDP header, folded to 16 bits. */
	__u16 ip_delta, udp_delta;
	__u8 macs[12];		/* MAC addresses of the rewritten frame: destination, then source */
	__u32 out;	/* egress device, or express_vlan() of it and the VLAN id */
	/* Index of the counters in totals; EXPRESS_SITE: index of the sending peer in
	 * peer_totals. */
	__u32 total;
	/* EXPRESS_FLOW: the flow's place in flow_table. Listener: its index in sources.
	 * EXPRESS_SITE: the receiving peer's index in peer_totals. */
	__u32 place;
};
_Static_assert(sizeof(struct memo) == 128, "two cache lines");

/* Counters of one CPU, in packets. */
struct express_count {
	__u64 hits;			/* packets that were sent */
	__u64 misses;			/* packets without an entry */
	__u64 not_looked_up;
};

struct sides {
	struct express_count count;
	/* State of express_is_worth_it(). poor: number of packets that came without credit. */
	__u32 credit, poor;
	__u32 tuples; /* this CPU's first index in tuples; set before it writes one */
	/* Bit ifindex % 64 is set if a device with that ifindex may have listeners. Bits are never
	 * cleared. */
	__u64 listeners;
	__u64 sites;		/* the same bits for devices behind which the relay has peers */
	__u8 pad[72];
	struct memo side[EXPRESS_SIDES];
};
_Static_assert(sizeof(struct sides) == 128 * (1 + EXPRESS_SIDES), "sides have whole lines");

/* Packs a device and the VLAN id (0 to 4095) of a frame's only tag, an 802.1Q tag, into one number.
 * Returns 0 if the ifindex has more than 18 bits: then the pipeline handles the frame. */
static inline __u32 express_vlan(__u32 ifindex, __u16 id)
{
	return ifindex >> 18 ? 0 : 1U << 31 | (__u32)id << 18 | ifindex;
}

/* Returns the ifindex from a device or the result of express_vlan(). */
static inline __u32 express_device(__u32 out)
{
	return out >> 31 ? out & 0x3ffff : out;
}

/* Returns the last word of a side's key. The word says whether the address is a listener's or a
 * backend's, its family and port, and the device that received the packet. */
enum express_side { SIDE_LISTENER = 1, SIDE_BACKEND };
static inline __u64 express_side_word(enum express_side side, __u8 family, __be16 port,
				      __u32 ifindex)
{
	return (__u64)ifindex << 32 | (__u32)(__u16)port << 16 | family << 8 | side;
}

#endif
