/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What crosses the border between the data path and user space: the layout of every map. Addresses are 16 bytes in network
 * order with an explicit family beside them, IPv4 as ::ffff:a.b.c.d; ports are __be16. A changed layout is a new ABI_VERSION.
 */
#ifndef WGXDP_ABI_H
#define WGXDP_ABI_H

#include <linux/bpf.h>
#include <linux/types.h>

#define ABI_VERSION 1

#define FAMILY_IPV4 2		/* AF_INET */
#define FAMILY_IPV6 10		/* AF_INET6 */

/* An address as it stands in a header: two words, so that a comparison is two instructions. */
struct addr {
	union {
		__u8 b[16];
		__be32 w[4];
		__u64 q[2];
	};
};

/* ---- the generic table: links on VLANs, services, replies; later blind sites and routes (bpf/table.h, user/table.c) ---- */

enum table_kind { KEY_NONE, KEY_SERVICE, KEY_REPLY, KEY_VLAN };

/* addr is the local address (service), the backend's (reply); word from table_word() */
struct table_key {
	struct addr addr;
	__u64 word;
};

/* kind, family, port in network order, and the logical link (ifindex; 0 for any, in replies) of a key, in one word */
static inline __u64 table_word(enum table_kind kind, __u8 family, __be16 port, __u32 ifindex)
{
	return (__u64)ifindex << 32 | (__u32)(__u16)port << 16 | family << 8 | kind;
}

enum service_flags {
	SERVICE_CHOICE = 1 << 0,	/* the backend serves several listeners: the client's choice is remembered */
	SERVICE_SAME = 1 << 1,		/* nat none: nothing is rewritten but TTL and MACs */
};

/* Value of KEY_SERVICE and of KEY_REPLY: what a packet of that direction is rewritten to. 32 bytes. */
struct service {
	struct addr to;		/* the backend's address; in a reply the listener's */
	__be16 port;		/* likewise */
	__u16 delta;		/* checksum difference of the address alone: new - old, one's complement, as in RFC 1624 */
	__u16 id;		/* what totals and reasons count under */
	__u16 flags;		/* enum service_flags */
	__u32 slot;		/* next hop slot of the backend for this link and local address; the next one is for replies */
	__u32 ifindex;		/* the listener's logical link */
};

struct table_entry {
	__u64 tag;		/* hash of the key; 0: free. Its store publishes the entry */
	struct table_key key;
	union {
		struct service service;
		__u8 value[32];
	};
};

#define TABLE_WAYS 2
struct table_bucket {
	struct table_entry entry[TABLE_WAYS];
};

_Static_assert(sizeof(struct service) == 32, "a service is half a cache line");
_Static_assert(sizeof(struct table_entry) == 64, "an entry is a cache line");

/* Never 0. Homes of a key: the low bits, and the bits from 20 on. Three products side by side, then one to mix them: in the
 * data path the length of the chain is what costs. */
static inline __u64 table_hash(const struct table_key *key)
{
	__u64 h = key->addr.q[0] * 0xff51afd7ed558ccdULL + key->addr.q[1] * 0xc4ceb9fe1a85ec53ULL +
		  key->word * 0x9e3779b97f4a7c15ULL;

	h = (h ^ h >> 32) * 0x9fb21c651e98df25ULL;
	return (h ^ h >> 32) | 1ULL << 63;
}

static inline __u32 table_home(__u64 hash, int home, __u32 mask)
{
	return (home ? hash >> 20 : hash) & mask;
}

/* ---- links ---- */

enum link_role { ROLE_NONE, ROLE_WAN, ROLE_LAN, ROLE_TUNNEL };

enum link_flags {
	LINK_L3 = 1 << 0,		/* no Ethernet header */
	LINK_XDP_SENDS = 1 << 1,	/* devices may be redirected to from XDP */
	LINK_XDP_SENDS_FRAGS = 1 << 2,	/* also packets in several buffers */
	LINK_SOURCES_TRIE = 1 << 3,	/* more prefixes than the short list holds: source_trie has the rest */
	LINK_NATIVE = 1 << 4,		/* our XDP is attached, in native mode */
	LINK_GENERIC = 1 << 5,		/* or in generic mode, which sends through any Ethernet device */
	LINK_TC = 1 << 6,		/* our tc plane is attached: XDP leaves counting of what it passes to it */
	LINK_TCX = 1 << 7,		/* by a tcx link; else by a filter */
	LINK_QDISC_OURS = 1 << 8,	/* the filter's qdisc was made by us, and goes with it */
};

#define LINK_MACS 4
#define LINKS 4096			/* places; a link's place is its ifindex modulo this */

/* links: ARRAY by ifindex % LINKS. ifindex 0: no link there. 64 bytes. */
struct link {
	__u32 ifindex;
	__u32 sources;			/* index in the map sources */
	__u32 mtu;			/* of an L3 packet, in bytes */
	__u8 role;			/* enum link_role */
	__u8 pad;
	__u16 flags;			/* enum link_flags */
	__u64 macs[LINK_MACS];		/* own MACs: the six bytes as they stand in a header, then two of zero; 0: none */
	__u32 zero;			/* always: see blur() in bpf/pkt.h */
	__u8 pad2[12];
};
_Static_assert(sizeof(struct link) == 64, "a link is a cache line");

/* sources: ARRAY. On a lan the prefixes allowed, on a wan those refused. Unused places have a mask that nothing matches
 * (addr not below mask). */
#define SOURCES_GROUP 8			/* a link's list is never changed in place: a new one is written beside it */
#define SOURCES_GROUPS 2
struct prefix4 {
	__be32 addr, mask;
};
struct prefix6 {
	struct addr addr, mask;
};
struct sources {
	__u32 groups4, groups6;		/* groups of SOURCES_GROUP in use */
	__u8 pad[56];
	struct prefix4 ipv4[SOURCES_GROUP * SOURCES_GROUPS];
	struct prefix6 ipv6[SOURCES_GROUP * SOURCES_GROUPS];
};

/* source_trie: LPM_TRIE, key → __u8 1. prefixlen counts from id: 32 + bits of the address (96 more for IPv4). */
struct source_key {
	__u32 prefixlen;
	__be32 id;			/* struct link .sources */
	struct addr addr;
};

/* ---- next hops ---- */

/* nexthops: PERCPU_ARRAY. Two slots a listener: that of its backend, for originals (struct service .slot, even), and that of
 * the client that was answered last, for replies (.slot + 1). The last NEXTHOP_GATEWAYS remember, by a hash of the neighbour,
 * when replies were last carried by the kernel. Times in jiffies. */
#define NEXTHOP_GATEWAYS 1024
struct nexthop {
	__u64 until;			/* the answer is good before this */
	__u64 probe[2];			/* per plane: from this on a packet goes through the kernel's neighbour output */
	__u32 generation;		/* of struct control, when asked */
	__u16 egress;			/* enum link_flags of the egress link */
	__u16 pad;
	struct bpf_fib_lookup fib;	/* question and answer in one */
	struct addr client;		/* replies: the destination, its port and the ingress link that were asked for */
	__be16 client_port;
	__u16 pad1;
	__u32 ifindex;
	__u8 pad2[8];
};
_Static_assert(sizeof(struct nexthop) == 128, "a next hop is two cache lines");

/* ---- remembered choices: LRU_HASH, only of services with SERVICE_CHOICE ---- */

struct choice_key {
	struct addr client, backend;
	__be16 client_port, backend_port;
	__u32 family;
};
struct choice {
	struct addr addr;		/* the listener that the client used: with port and ifindex a key of KEY_SERVICE */
	__be16 port;
	__u16 pad;
	__u32 ifindex;
};

/* scratch: PERCPU_ARRAY of one; room to make keys and values in, no state */
struct choice_scratch {
	struct choice_key key;
	struct choice value;
};

/* ---- counters ---- */

enum direction { DIRECTION_ORIGINAL, DIRECTION_REPLY };
enum plane { PLANE_XDP, PLANE_TC };

/* totals: PERCPU_ARRAY, index total_index(). What is neither forwarded nor in reasons was not received. */
struct total {
	__u64 received;			/* packets, at classify */
	__u64 forwarded;		/* packets given to a device to send */
	__u64 bytes;			/* of the forwarded: L3 length as received, per segment of a GSO packet */
};

static inline __u32 total_index(__u32 id, __u32 direction, __u32 plane)
{
	return id << 2 | plane << 1 | direction;
}

/* names: ARRAY by the id under which totals and reasons count; not read by the data path. Empty: a free id */
#define NAME_LEN 64
struct service_name {
	char name[NAME_LEN];
};

/* reasons: PERCPU_HASH → __u64 packets */
struct reason_key {
	__u32 id;
	__u8 direction, plane;
	__u16 reason;
};

enum reason {
	REASON_NONE,
#define REASON(kind, name, text) kind##_##name,
#include "reasons.def"
#undef REASON
	REASON_MAX
};

enum verdict_kind { KIND_PASS, KIND_DROP };

/* transmit_failed: PERCPU_HASH, egress ifindex → __u64 packets that a driver did not take */

enum control_flags {
	CONTROL_ASK_ALWAYS = 1 << 0,	/* a rule looks at source, mark or DSCP: no next hop of one client is another's */
};

/* control: ARRAY of one */
struct control {
	__u32 abi_version;
	__u32 generation;		/* of next hops: whoever learns that routing changed adds one */
	__u32 config_generation;	/* of /run/wgxdp/INSTANCE/running.yaml */
	__u32 flags;			/* enum control_flags */
	__u64 program;			/* hash of object and switches that run */
};

#endif
