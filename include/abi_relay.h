/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The relay: its peers, the routes to their sites, and the policy between sites. User space writes
 * all of these maps except `allowed`. The programs in bpf/relay/ read them. Part of abi.h.
 */
#ifndef WGXDP_ABI_RELAY_H
#define WGXDP_ABI_RELAY_H

/* ---- peers: ARRAY, indexed by peer id; id 0 means no peer ---- */

enum peer_flags {
	/* The peer is reached through an L3 device. A peer without this flag is on a nic, and the
	 * FIB knows its next hop. */
	PEER_TUNNEL = 1 << 0,
	/* On a nic: the kernel's routes to the peer's link lead to several gateways, so a next hop
	 * is that of one destination. */
	PEER_GATEWAYS = 1 << 1,
};

struct peer {
	/* Link behind which the peer is: its packets must come from there. 0: it does not exist
	 * yet. */
	__u32 ifindex;
	__u32 mtu;	/* PEER_TUNNEL: longest IP packet for its device, in bytes */
	__u32 flags;			/* enum peer_flags */
	__u32 slot;		/* without PEER_TUNNEL: the peer's slot in nexthops */
	__u32 pad[4];
};

/* peer_names: ARRAY, indexed by peer id: name, key and device of a peer. An empty name marks a free
 * id. Only user space uses it. */
enum peer_name_flags {
	/* The peer comes from `follow`, not from the configuration. */
	PEER_NAME_FOLLOWED = 1 << 0,
};

struct peer_name {
	char name[NAME_LEN];
	__u8 key[32];			/* public key; all zero: none */
	char device[16];
	__u32 flags;			/* enum peer_name_flags */
	__u32 pad;
};

/* peer_totals: PERCPU_ARRAY of struct total, indexed by total_index(peer, enum peer_direction,
 * plane). PEER_RX counts the packets from a peer. PEER_TX counts the packets forwarded to it, and
 * its .refused is 0. The map reasons counts peers too, under the id PEER_ID | peer. */
enum peer_direction { PEER_RX, PEER_TX };
#define PEER_ID (1U << 31)

/* ---- routes: a word says which peer an address belongs to: the peer's id or 0, and flags ---- */

#define ROUTE_PEER_MASK 0xfffffU
/* The prefix contains longer prefixes. The map `routes` has all of them, and this prefix too. */
#define ROUTE_LONGER (1U << 20)
#define ROUTE_LOCAL (1U << 21)		/* address of this host: the packet is passed up */

/* subnets: ARRAY of 65,536 route words, used if the overlay is exactly a /48 (with_subnets). Index:
 * bits 48 to 63 of the address, in host byte order. User space expands every prefix from /48 to /64
 * into it. */
#define SUBNETS 65536

/* Otherwise /64 prefixes are in the table, under KEY_ROUTE. If the table has no entry, the program
 * looks in `routes`. */

/* routes: LPM_TRIE of all other prefixes -> route word. */
struct route_key {
	__u32 prefixlen;	/* 32 bits for the field `zero`, plus the length of the prefix */
	__be32 zero;
	struct addr addr;
};

/* own: ARRAY, indexed by ifindex % LINKS of the logical link. */
struct own {
	/* Our address on the link: the source of ICMP errors to it. All zero: no errors are
	 * sent. */
	struct addr addr;
	__u32 ifindex;
	__u32 peer;	/* the only peer behind this link; 0: none, or several */
	__u32 pad[2];
};

/* ---- policy: ARRAY of one element. User space may change its words at any time, one by one.
 * ---- */

/* ICMPv6 error for a refused packet, in this order: type 1 code 1, type 1 code 3, none. */
enum policy_reject { REJECT_PROHIBITED, REJECT_ADDRESS, REJECT_SILENTLY };

struct policy {
	/* Allowed destination ports of UDP and of TCP: bit port % 64 of the word port / 64, with
	 * the port in host order. */
	__u64 ports[1024], tcp_ports[1024];
	__u64 icmpv6[4];	/* allowed ICMPv6 types: bit type % 64 of the word type / 64 */
	__u32 reject;			/* enum policy_reject */
	/* Prefix of all sites, for user space: its length in bits, and its address. */
	__u32 overlay_len;
	struct addr overlay;
	/* Secrets of the tags in `allowed`. The secrets are random, and stay the same while that
	 * map exists. The factors are odd. */
	__u32 keys[14];
	__u64 factors[2];
};

/* allowed: ARRAY of struct allowed_bucket; allowed_mask + 1 buckets, a power of 2. The map
 * remembers packets that the policy let pass, so that answers to them and errors about them may
 * pass too. The programs write it without a lock. If two of them write an entry at once, both its
 * tag and its time belong to packets that passed, so any mixture is harmless. */
#define ALLOWED_WAYS 4
#define ALLOWED_SECONDS 180
#define ALLOWED_BUCKETS 32768	/* number of buckets, unless the configuration needs others */
struct allowed {
	/* Hash of addresses, ports and protocol: allowed_tag() in bpf/relay/allowed.h. */
	__u64 tag;
	__u64 until;	/* time in jiffies until which it is valid; 0: free place */
};
struct allowed_bucket {
	struct allowed way[ALLOWED_WAYS];
};

_Static_assert(sizeof(struct peer) == 32 && sizeof(struct own) == 32, "half a cache line each");
_Static_assert(sizeof(struct allowed_bucket) == 64, "a bucket is a cache line");

#endif
