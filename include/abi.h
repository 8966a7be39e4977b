/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The layout of every map that the data path and user space share; both include it, and it includes
 * its parts abi_*.h. Addresses are 16 bytes in network order with an explicit family beside them,
 * IPv4 as ::ffff:a.b.c.d. Ports are __be16. A changed layout needs a new ABI_VERSION.
 */
#ifndef WGXDP_ABI_H
#define WGXDP_ABI_H

#include <linux/bpf.h>
#include <linux/types.h>

#define ABI_VERSION 2

#define FAMILY_IPV4 2		/* AF_INET */
#define FAMILY_IPV6 10		/* AF_INET6 */

/* An address as it stands in a header: two words, so a comparison is two instructions */
struct addr {
	union {
		__u8 b[16];
		__be32 w[4];
		__u64 q[2];
	};
};

#include "abi_table.h"
#include "abi_sources.h"
#include "abi_counters.h"
#include "abi_uniform.h"
#include "abi_relay.h"
#include "abi_learned.h"
#include "abi_flow.h"
#include "abi_guard.h"
#include "abi_blind.h"
#include "abi_event.h"
#include "abi_learn.h"
#include "abi_express.h"

/* ---- links ---- */

enum link_role { ROLE_NONE, ROLE_WAN, ROLE_LAN, ROLE_TUNNEL };

enum link_flags {
	LINK_L3 = 1 << 0,		/* no Ethernet header */
	LINK_XDP_SENDS = 1 << 1,	/* XDP may redirect to the device */
	LINK_XDP_SENDS_FRAGS = 1 << 2,	/* also packets in several buffers */
	/* more prefixes than the short list holds: the rest is in source_trie */
	LINK_SOURCES_TRIE = 1 << 3,
	LINK_NATIVE = 1 << 4,		/* our XDP is attached, in native mode */
	LINK_GENERIC = 1 << 5,	/* or in generic mode, which sends through any Ethernet device */
	LINK_TC = 1 << 6,	/* our tc plane is attached, and counts what XDP passes up */
	LINK_TCX = 1 << 7,		/* by a tcx link; else by a filter */
	LINK_QDISC_OURS = 1 << 8,	/* we made the filter's qdisc, and remove it */
	LINK_LISTENS = 1 << 9,	/* a service listens on it: replies leave by such links only */
	/* a VLAN with an outer tag of 802.1ad (0x88a8), not 802.1Q (0x8100) */
	LINK_OUTER_AD = 1 << 10,
	LINK_SHARED = 1 << 11,		/* our XDP is a component of libxdp's dispatcher */
	LINK_PEERS = 1 << 12,		/* peers of the relay are behind it */
};

#define LINK_MACS 4
#define LINK_NO_MAC (~0ULL)
#define LINKS 4096			/* places; a link's place is its ifindex modulo this */

/* links: ARRAY by ifindex % LINKS. ifindex 0: no link. 64 bytes. */
struct link {
	__u32 ifindex;
	__u32 sources;			/* index in the map sources */
	__u32 mtu;			/* of an L3 packet, in bytes */
	__u8 role;			/* enum link_role */
	/* for user space: errno with which native XDP was refused; 0: not refused */
	__u8 refused;
	__u16 flags;			/* enum link_flags */
	/* its own MACs: six bytes as in a header, then two of zero; or LINK_NO_MAC */
	__u64 macs[LINK_MACS];
	__u32 pad;
	/* of a port or a virtual router's MACVLAN: the bridge, bond or interface that gets its
	 * untagged frames; else 0 */
	__u32 above;
	/* of a VLAN: the port on which its frames leave, with these tags; else 0 */
	__u32 port;
	__be16 tags[2];			/* VLAN ids, the outer one first; 0: none */
};
_Static_assert(sizeof(struct link) == 64, "a link is a cache line");

/* ---- next hops ---- */

/* nexthops: PERCPU_ARRAY. A listener has two slots: its backend's, for originals (struct service
 * .slot, even), and (.slot + 1) that of the client answered last, for replies. Behind them are
 * NEXTHOP_UNIFORM slots for replies to whole prefixes (uniform). The last NEXTHOP_GATEWAYS
 * remember, by a hash of the neighbour, when the kernel carried a reply last. Times in jiffies. */
#define NEXTHOP_UNIFORM 64
#define NEXTHOP_GATEWAYS 1024
struct nexthop {
	__u64 until;			/* the answer is good before this */
	/* per plane: from then on, one packet goes through the kernel's neighbour output */
	__u64 probe[2];
	__u32 generation;		/* of struct control, when asked */
	__u16 egress;			/* enum link_flags of the egress link */
	__u16 pad;
	struct bpf_fib_lookup fib;	/* question and answer in one */
	/* replies: the destination, its port and the ingress link of the question */
	struct addr client;
	__be16 client_port;
	__be16 tags[2];			/* of the egress link, as in struct link */
	__u16 pad1;
	__u32 ifindex;
	__u32 port;			/* of the egress link if that is a VLAN; else 0 */
};
_Static_assert(sizeof(struct nexthop) == 128, "a next hop is two cache lines");

/* ---- choices: struct learned_entry, only for services with SERVICE_CHOICE ----
 *
 * HALF until the backend answers, then LIVE. It is good until somebody needs its place. */

#define CHOICE_HALF_SECONDS 15		/* its time, by which it gives way */
#define CHOICE_LIVE_SECONDS 200		/* as long as a session */

struct choice_key {
	struct addr client, backend;
	__be16 client_port, backend_port;
	__u32 family;
};
struct choice {
	/* the listener that the client used; with port and ifindex a key of KEY_SERVICE */
	struct addr addr;
	__be16 port;
	__u16 pad;
	__u32 ifindex;
};

/* ---- frags: struct learned_entry, HALF: what a UDP datagram's first fragment says about the later
 * ones ---- */

#define FRAGMENT_SECONDS 2
struct fragment_key {
	struct addr src, dst;		/* say the family, too */
	__be32 id;			/* IPv4 has 16 bits */
	__u32 ifindex;			/* of the logical link */
};
struct fragment {
	__be16 sport, dport;
	__u16 pad;
	__u16 end;			/* of the first fragment: the earliest offset of the next */
};

/* pieces: PERCPU_ARRAY of one: a packet that is cut, from its first piece to its last
 * (bpf/fragment/cut.h). `wgxdp trace` reads it after a run. */
#define PIECES_LEN 16000		/* at most, without the IP header */
#define PIECE_MAX 15360
#define PIECE_ROOM 16384		/* the next power of 2 */
struct pieces {
	__u32 l3, header;		/* where the IP header is, and its length in pieces */
	/* of that length, what a whole packet lacks: IPv6's fragment header */
	__u32 shift;
	__be32 ident;			/* for IPv6 that came as IPv4 */
	/* payload of all, of each piece but the last, and what is left */
	__u32 len, step, rest;
	/* the first piece replaces the packet, and no other leaves */
	__u32 first_alone;
	__u32 ifindex;			/* of the egress device */
	/* as it came, in host order; in IPv6 with the bits below it */
	__u32 frag_off;
	__u64 sum;
	__u32 option;			/* IPv4: offset of the next option */
	__u32 option_goes;		/* this option becomes no-operations, */
	__u32 option_delta;		/* and the header's sum changes by this */
	__u8 ip[2][64];			/* the header of the first piece, and of the others */
	/* the payload; longer than needed, for the verifier */
	__u8 stash[PIECES_LEN + PIECE_ROOM];
};

/* ---- tables of learned entries: an ARRAY of buckets each (abi_learned.h) ----
 *
 * User space reads them by mmap. While programs run, they alone write. A limit's value is the time
 * up to which it is used, in ticks (abi_guard.h). It is HALF, and good until then. */

union learned_key {
	__u64 word[LEARNED_KEY];	/* 0 behind what the key needs */
	struct fragment_key fragment;
	struct choice_key choice;
	struct client_key client;	/* icmp_limits: the address alone */
	struct index_key index;
};
union learned_value {
	__u64 word[LEARNED_VALUE];	/* 0 behind what the value needs */
	struct fragment fragment;
	struct choice choice;
	struct answered answered;
	__u64 used;			/* a limit */
};
struct learned_entry {
	union learned_key key;
	union learned_value value;
};
struct learned_bucket {
	struct learned_line line;
	struct learned_entry entry[LEARNED_WAYS];
};
_Static_assert(sizeof(struct learned_entry) == 64, "an entry is a cache line");

#define LEARNED_MAPS(X) \
	X(frags) X(choices) X(icmp_limits) X(guard_sources) X(answered) X(indices) X(challenged)

/* ---- control: ARRAY of one ---- */
enum control_flags {
	/* a rule or a route looks at more than the destination, or there are several next hops: one
	 * packet's next hop says nothing of others' */
	CONTROL_ASK_ALWAYS = 1 << 0,
	/* for user space: the running programs have with_choices on */
	CONTROL_WITH_CHOICES = 1 << 1,
	CONTROL_WITH_SOURCE_TRIE = 1 << 2,	/* and with_source_trie */
};

struct control {
	__u32 abi_version;
	/* of next hops: raised by every process that learns of changed routing */
	__u32 generation;
	__u32 unused;
	__u32 flags;			/* enum control_flags */
	__u64 netns;			/* inode of the network namespace of `up` */
	__u64 program;			/* hash of the object and switches that run */
	/* before this, in jiffies, a living daemon keeps uniform right */
	__u64 heartbeat;
	__u64 asked;			/* the data path asks for no heartbeat before this */
};

#endif
