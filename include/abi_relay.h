/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The relay: peers, the routes to their sites, and the policy between them (bpf/relay/). User space
 * writes all of it except `allowed`. Part of abi.h.
 */
#ifndef WGXDP_ABI_RELAY_H
#define WGXDP_ABI_RELAY_H

/* ---- peers: ARRAY by id, from 1 on; 0 is none. 32 bytes. ---- */

enum peer_flags {
	/* on an L3 device, which gets its packets; else on a nic, where the FIB finds it */
	PEER_TUNNEL = 1 << 0,
};

struct peer {
	/* of the logical link behind which it is: its packets come from no other; 0: waiting */
	__u32 ifindex;
	__u32 mtu;			/* of a tunnel: its device's, of L3 packets in bytes */
	__u32 flags;			/* enum peer_flags */
	__u32 slot;			/* of a nic's peer: its next hop in nexthops */
	__u32 pad[4];
};

/* peer_names: ARRAY by peer id; the data path does not read it. Empty: a free id. */
enum peer_name_flags {
	PEER_NAME_FOLLOWED = 1 << 0,	/* by `follow`, not by the configuration */
};

struct peer_name {
	char name[NAME_LEN];
	__u8 key[32];			/* its public key; all zero: none */
	char device[16];
	__u32 flags;			/* enum peer_name_flags */
	__u32 pad;
};

/* peer_totals: PERCPU_ARRAY of struct total by total_index(peer, enum peer_direction, plane). rx
 * counts all that came from a peer; tx counts what was forwarded to it, and its `received` is 0.
 * reasons counts peers too: .id is PEER_ID | peer. */
enum peer_direction { PEER_RX, PEER_TX };
#define PEER_ID (1U << 31)

/* ---- routes: which peer an address belongs to, in one word: the peer's id or 0, and flags ---- */

#define ROUTE_PEER_MASK 0xfffffU
/* longer prefixes are below: `routes` has the answer, and this prefix too */
#define ROUTE_LONGER (1U << 20)
#define ROUTE_LOCAL (1U << 21)		/* of this host: up, untouched */

/* subnets: ARRAY of 65,536 words by bits 48 to 63 of the address, in host order, if the overlay is
 * exactly a /48 (with_subnets). Every prefix from /48 to /64 is expanded into it. */
#define SUBNETS 65536

/* KEY_ROUTE in the table: /64s elsewhere. If the table has none, `routes` is asked. */

/* routes: LPM_TRIE -> word: all other prefixes */
struct route_key {
	__u32 prefixlen;		/* counts from zero: 32 + bits of the address */
	__be32 zero;
	struct addr addr;
};

/* own: ARRAY by ifindex % LINKS of the logical link: our place on it */
struct own {
	/* source of errors about packets from this link; all zero: none is sent */
	struct addr addr;
	__u32 ifindex;
	__u32 peer;			/* the only one behind this link; 0: none, or several */
	__u32 pad[2];
};

/* ---- policy: ARRAY of one. Its words may change at any time, one by one. ---- */

/* type 1 code 3; code 1; no error */
enum policy_reject { REJECT_ADDRESS, REJECT_PROHIBITED, REJECT_SILENTLY };

struct policy {
	/* allowed UDP destination ports, in host order: bit port % 64 of word port / 64 */
	__u64 ports[1024];
	__u64 icmpv6[4];		/* allowed types, in the same way */
	__u32 reject;			/* enum policy_reject */
	/* for user space: the overlay's prefix */
	__u32 overlay_len;
	struct addr overlay;
	/* secrets of the tags in allowed: random, and unchanged while that map lives; factors are
	 * odd */
	__u32 keys[14];
	__u64 factors[2];
};

/* allowed: ARRAY of buckets (a power of 2, allowed_mask + 1): what the policy's lists let pass a
 * moment ago, so that answers and errors about it may pass. The data path writes it without a lock:
 * any mixture of two writers' tag and until still belongs to a packet that passed. */
#define ALLOWED_WAYS 4
#define ALLOWED_SECONDS 180
#define ALLOWED_BUCKETS 32768		/* the default */
struct allowed {
	/* of addresses, ports and protocol: allowed_tag() in bpf/relay/allowed.h */
	__u64 tag;
	__u64 until;			/* jiffies; 0: free */
};
struct allowed_bucket {
	struct allowed way[ALLOWED_WAYS];
};

_Static_assert(sizeof(struct peer) == 32 && sizeof(struct own) == 32, "half a cache line each");
_Static_assert(sizeof(struct allowed_bucket) == 64, "a bucket is a cache line");

#endif
