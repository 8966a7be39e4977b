/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The memo of the express path (bpf/express/): what the pipeline decided for a packet, so that the
 * next packets like it are sent without the pipeline. Only the BPF programs write and read it;
 * `wgxdp show` reads the counters. Part of abi.h.
 */
#ifndef WGXDP_ABI_EXPRESS_H
#define WGXDP_ABI_EXPRESS_H

/* memo: ARRAY of struct memo_bucket, with a range for each CPU.
 * express_cpus: a data section, an array of struct express_cpu by number of the CPU. The programs
 * know its address, so it costs no lookup. The express path does not run on further CPUs.
 *
 * Each load of the programs creates both maps again. */
#define EXPRESS_CPUS 256

/* Entries of each CPU, unless the configuration has another number. */
#define EXPRESS_ENTRIES 32768
#define EXPRESS_ENTRIES_MIN 256
#define EXPRESS_ENTRIES_MAX 1048576

enum express_uses { USES_ALL, USES_ADDRESSES, USES_FLOWS, USES_BLIND };

enum memo_flags {
	MEMO_DATA = 1 << 1,		/* a guard admits only WireGuard data */
	MEMO_FLOW = 1 << 2,	/* .place is the flow's place in flow_table */
	MEMO_BLIND = 1 << 3,		/* .place is an index in blind_totals */
	/* Between sites: .total and .place are indices in peer_totals, of sender and receiver. */
	MEMO_SITE = 1 << 4,
	MEMO_WIDE = 1 << 6,		/* the next line has the struct memo_more of the entry */
	MEMO_COUNTS = 1 << 7,	/* a flow, whose packets .packets and .bytes count */
	MEMO_VERSION = 0x3f << 10,	/* memo_version() of this flow */
};

/* An entry. Its key, .from, .to and .index, is that of a packet (bpf/express/memo.h). Fields that a
 * packet has are in network byte order. */
struct memo {
	__u64 from, to;
	union {
		__u64 source;		/* IPv6: second half of the source address */
		__be32 addrs[2];	/* IPv4 to IPv4: new source and destination */
	};
	__u64 until;			/* the entry is valid before this time, in jiffies */
	__u32 generation;	/* express_generation() before the pipeline decided */
	__be16 ports[2];		/* new source and destination port */
	/* Complements of the changes of the checksums of the IP and UDP header, folded. */
	__u16 ip_delta, udp_delta;
	__u32 total;			/* index in totals, or as MEMO_SITE says */
	__u32 place;
	union {
		struct {
			/* Index in rates for the client or pair; valid only if there are rates. */
			__u32 rate;
			/* If the blind relay is on: receiver index of WireGuard data; else 0. */
			__le32 index;
		};
		/* Without rates and blind relay: what was sent and is not yet added to the flow. */
		struct {
			__u32 packets, bytes;
		};
	};
	__u16 hop;			/* for express_hop_at() */
	__u16 flags;			/* enum memo_flags */
};
_Static_assert(sizeof(struct memo) == 64, "one cache line");

/* Returns the version of the flow's place (abi_learned.h) as MEMO_VERSION. word: the flow's. */
static inline __u16 memo_version(__u64 word)
{
	return word >> 14 & MEMO_VERSION;
}

/* Returns whether .packets and .bytes belong to the flow with this word. */
static inline int memo_counts_for(const struct memo *e, __u64 word)
{
	return e->flags & MEMO_COUNTS && (e->flags & MEMO_VERSION) == memo_version(word);
}

/* The second cache line of an entry with an IPv6 address. */
struct memo_more {
	__u64 none;	/* 0, so no packet finds an entry here: .from is never 0 */
	__u64 destination[2];		/* IPv6: destination address on arrival */
	struct addr src, dst;		/* new addresses */
	__u64 pad;
};
_Static_assert(sizeof(struct memo_more) == 64, "one cache line");

/* A key selects a bucket. An entry without struct memo_more may be in each of the four lines,
 * another one in lines 0 and 1, or 2 and 3. */
#define MEMO_WAYS 4
struct memo_bucket {
	union {
		struct memo way[MEMO_WAYS];
		struct memo_more more[MEMO_WAYS];
	};
} __attribute__((aligned(64)));

/* A device that received packets that the memo has. */
struct express_device {
	/* express_mac(): our MAC address on this device, and its ifindex. While .skip is not 0, the
	 * complement of both. */
	__u64 mac;
	__u64 key[2];			/* secret factors of the hash */
	__u64 id;			/* express_id() */
	__u32 first;			/* first bucket of this CPU */
	/* Shift of a hash: what remains is the byte in all of this CPU's buckets. */
	__u32 shift;
	__u64 hits;	/* packets that were sent, of all devices that had this place */
	/* Set by express_skip(). Packets of buckets whose number has a bit of `skip` take the
	 * pipeline. */
	__u32 spent;
	__u16 skip;
	/* Its entries are for a listener if they can be. Not if a backend's packet arrived here. */
	__u8 is_listener, has_backend;
	__u64 until;		/* time until which another device may not displace it */
	/* By the first byte of an IPv4 source: true if .is_listener, and source_hints exclude all
	 * such addresses. */
	__u8 free[256];
	__u32 sources;			/* index in source_hints */
	__u32 generation;		/* that of .free */
	__u64 pad[7];
};
_Static_assert(sizeof(struct express_device) == 384, "cache lines");

/* A next hop of packets. No other hop displaces it while an entry that names it is valid. */
struct express_hop {
	union {
		struct {
			/* The frame's first 12 bytes: destination and source MAC address. */
			__u32 macs[3];
			__u32 out; /* egress device, or express_vlan() of it and the VLAN id */
			__u32 mtu;	/* longest IP packet, in bytes */
			/* 1 + the index in nexthops that this hop follows. Every packet through the
			 * pipeline with that next hop renews it, for all flows. 0: a hop of entries
			 * that end with it. */
			__u32 slot;
		};
		__u64 words[3];
	};
	__u64 until;			/* as in struct memo */
};
_Static_assert(sizeof(struct express_hop) == 32, "half a cache line");

#define EXPRESS_DEVICES 32		/* numbers of devices and hops: powers of 2 */
#define EXPRESS_HOPS 64
struct express_cpu {
	__u64 misses;			/* packets that took the pipeline */
	__u64 pad[7];
	struct express_device device[EXPRESS_DEVICES];	/* place: function express_device() */
	struct express_hop hop[EXPRESS_HOPS];
};

/* Returns how many packets the express path of a CPU has sent. */
static inline __u64 express_hits(const struct express_cpu *cpu)
{
	__u64 n = 0;

	for (int i = 0; i < EXPRESS_DEVICES; i++)
		n += cpu->device[i].hits;
	return n;
}

/* Packs a device and the VLAN id (0 to 4095) of a frame's only tag, an 802.1Q tag, into one number.
 * Returns 0 if the ifindex has more than 18 bits: then the pipeline handles the frame. */
static inline __u32 express_vlan(__u32 ifindex, __u16 id)
{
	return ifindex >> 18 ? 0 : 1U << 31 | (__u32)id << 18 | ifindex;
}

/* Returns the ifindex from a device or the result of express_vlan(). */
static inline __u32 express_ifindex(__u32 out)
{
	return out >> 31 ? out & 0x3ffff : out;
}

#endif
