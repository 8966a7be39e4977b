/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What crosses the border between the data path and user space: the layout of every map. Addresses are 16 bytes in network
 * order with an explicit family beside them, IPv4 as ::ffff:a.b.c.d; ports are __be16. A changed layout is a new ABI_VERSION.
 */
#ifndef WGXDP_ABI_H
#define WGXDP_ABI_H

#include <linux/bpf.h>
#include <linux/types.h>

#define ABI_VERSION 2

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

#include "abi_table.h"
#include "abi_counters.h"
#include "abi_uniform.h"
#include "abi_relay.h"
#include "abi_flow.h"
#include "abi_guard.h"
#include "abi_blind.h"
#include "abi_event.h"
#include "abi_learn.h"

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
	LINK_LISTENS = 1 << 9,		/* some service listens on it: replies leave by such links only */
	LINK_OUTER_AD = 1 << 10,	/* a VLAN whose outer tag is of 802.1ad (0x88a8), not 802.1Q (0x8100) */
	LINK_SHARED = 1 << 11,		/* our XDP is a component of libxdp's dispatcher */
	LINK_PEERS = 1 << 12,		/* peers of the relay are behind it */
};

#define LINK_MACS 4
#define LINK_NO_MAC (~0ULL)
#define LINKS 4096			/* places; a link's place is its ifindex modulo this */

/* links: ARRAY by ifindex % LINKS. ifindex 0: no link there. 64 bytes. */
struct link {
	__u32 ifindex;
	__u32 sources;			/* index in the map sources */
	__u32 mtu;			/* of an L3 packet, in bytes */
	__u8 role;			/* enum link_role */
	__u8 refused;			/* for user space: the errno with which native XDP was refused; 0: it was not */
	__u16 flags;			/* enum link_flags */
	__u64 macs[LINK_MACS];		/* own MACs: the six bytes as they stand in a header, then two of zero; or LINK_NO_MAC */
	__u32 pad;
	__u32 above;			/* of a port of a bridge or bond, for which its untagged frames are, or of a virtual router's
					 * MACVLAN: that interface; else 0 */
	__u32 port;			/* of a VLAN: the port on which its frames leave, with these tags; else 0 */
	__be16 tags[2];			/* VLAN ids, the outer one first; 0: none */
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
 * the client that was answered last, for replies (.slot + 1). Behind them NEXTHOP_UNIFORM, for replies to whole prefixes (uniform); the
 * last NEXTHOP_GATEWAYS remember, by a hash of the neighbour, when replies were last carried by the kernel. Times in jiffies. */
#define NEXTHOP_UNIFORM 64
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
	__be16 tags[2];			/* of the egress link, as in struct link */
	__u16 pad1;
	__u32 ifindex;
	__u32 port;			/* of the egress link if that is a VLAN; else 0 */
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

/* ---- fragments: frags, LRU_HASH: what the first fragment of a datagram tells of the later ones ---- */

struct fragment_key {
	struct addr src, dst;
	__be32 id;			/* of 16 bits in IPv4 */
	__u32 ifindex;			/* of the logical link */
	__u8 family, protocol;
	__u8 pad[6];
};
struct fragment {
	__u64 until;			/* good before this, in jiffies */
	__be16 sport, dport;
	__be16 length;			/* of the datagram, by its UDP header */
	__u16 end;			/* of the first fragment: where the next one may begin */
};

/* pieces: PERCPU_ARRAY of one: a packet that is cut, from the first piece to the last (bpf/fragment/cut.h).
 * `wgxdp trace` reads it after a run. */
#define PIECES_LEN 16000		/* at most, without the IP header */
#define PIECE_MAX 15360
#define PIECE_ROOM 16384		/* the next power of 2 */
struct pieces {
	__u32 l3, header;		/* where the IP header is, and its length in pieces */
	__u32 shift;			/* of that, what a whole packet lacks: IPv6's fragment header */
	__be32 ident;			/* of IPv6 that came as IPv4 */
	__u32 len, step, rest;		/* payload of all, of each piece but the last, and what is left */
	__u32 first_alone;		/* the first piece replaces the packet, and nothing else leaves */
	__u32 ifindex;			/* of the device that they leave by */
	__u32 frag_off;			/* as it came, host order; in IPv6 with the bits below it */
	__u64 sum;
	__u32 option;			/* IPv4: offset of the next option */
	__u32 option_goes;		/* this option becomes no operations, */
	__u32 option_delta;		/* which changes the header's sum so */
	__u8 ip[2][64];			/* the header of the first piece, and of the others */
	__u8 stash[PIECES_LEN + PIECE_ROOM];	/* the payload; longer than is used, for the verifier */
};

enum control_flags {
	CONTROL_ASK_ALWAYS = 1 << 0,	/* a rule looks at source, mark or DSCP: no next hop of one client is another's */
	CONTROL_WITH_CHOICES = 1 << 1,	/* for user space: the switch with_choices is on in the programs that run, */
	CONTROL_WITH_SOURCE_TRIE = 1 << 2,	/* and with_source_trie */
};

/* control: ARRAY of one */
struct control {
	__u32 abi_version;
	__u32 generation;		/* of next hops: whoever learns that routing changed adds one */
	__u32 unused;
	__u32 flags;			/* enum control_flags */
	__u64 netns;			/* inode of the network namespace that it was brought up in */
	__u64 program;			/* hash of object and switches that run */
	__u64 heartbeat;		/* uniform is kept by a living daemon, and good before this; in jiffies */
	__u64 asked;			/* the data path asks for a heartbeat not before this */
};

#endif
