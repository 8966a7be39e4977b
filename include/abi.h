/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The layout of every map that the BPF programs and user space share. Both sides include this
 * header, and it includes its parts, abi_*.h. A changed layout needs a new ABI_VERSION.
 *
 * An address takes 16 bytes in network byte order, and a field beside it says the family. An IPv4
 * address is stored as ::ffff:a.b.c.d. Ports are in network byte order (__be16).
 *
 * Words that all these headers use:
 * original   a packet from a client to a service's backend
 * reply      a packet from a backend to a client
 * listener   one local address and port of a service on one link
 * link       a network interface that wgxdp serves (struct link)
 * slot       an index in the map nexthops
 * pass up    let the packet go on into the host's network stack, unchanged
 */
#ifndef WGXDP_ABI_H
#define WGXDP_ABI_H

#include <linux/bpf.h>
#include <linux/types.h>

#define ABI_VERSION 6

#define FAMILY_IPV4 2		/* AF_INET */
#define FAMILY_IPV6 10		/* AF_INET6 */

/* An IPv6 or mapped IPv4 address in network byte order. As two 64-bit words it is compared by two
 * instructions. */
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
#include "abi_lists.h"
#include "abi_uniform.h"
#include "abi_relay.h"
#include "abi_learned.h"
#include "abi_flow.h"
#include "abi_guard.h"
#include "abi_blind.h"
#include "abi_event.h"
#include "abi_notify.h"
#include "abi_express.h"
#include "abi_rate.h"

/* ---- links ---- */

enum link_role { ROLE_NONE, ROLE_WAN, ROLE_LAN, ROLE_TUNNEL };

enum link_flags {
	LINK_L3 = 1 << 0,		/* the device has no Ethernet header */
	LINK_XDP_SENDS = 1 << 1,	/* XDP may redirect packets to the device */
	/* XDP may also redirect packets that span several buffers. */
	LINK_XDP_SENDS_FRAGS = 1 << 2,
	/* The link has more prefixes than struct sources holds. The others are in source_trie. */
	LINK_SOURCES_TRIE = 1 << 3,
	LINK_NATIVE = 1 << 4,		/* our XDP program is attached in native mode */
	/* Our XDP program is attached in generic mode, which can send through any Ethernet
	 * device. */
	LINK_GENERIC = 1 << 5,
	/* Our tc program is attached to the device, and counts the packets that XDP passes up. */
	LINK_TC = 1 << 6,
	/* The tc program is attached by a tcx link; otherwise by a clsact filter. */
	LINK_TCX = 1 << 7,
	LINK_QDISC_OURS = 1 << 8,	/* we created the filter's qdisc, so we remove it */
	LINK_LISTENS = 1 << 9,		/* a service listens on this link */
	/* The link is a VLAN whose outer tag is 802.1ad (0x88a8) instead of 802.1Q (0x8100). */
	LINK_OUTER_AD = 1 << 10,
	LINK_SHARED = 1 << 11,	/* our XDP program is one of several in libxdp's dispatcher */
	LINK_PEERS = 1 << 12,		/* the relay has peers behind this link */
	/* Packets leave only by tc, and so by the qdisc, although XDP could send them. */
	LINK_TC_SENDS = 1 << 13,
	/* Replies without a flow may leave by this link: a service listens on it, not only for
	 * hairpin. */
	LINK_REPLIES = 1 << 14,
};

#define LINK_MACS 4
#define LINK_NO_MAC (~0ULL)
#define LINKS 4096	/* number of places; the place of a link is its ifindex modulo LINKS */

/* links: ARRAY of struct link, indexed by ifindex % LINKS. A place whose .ifindex is 0 is free. */
struct link {
	__u32 ifindex;
	__u32 sources;		/* index in the map sources */
	__u32 mtu;			/* longest IP packet, in bytes */
	__u8 role;			/* enum link_role */
	/* For user space: the positive errno with which the kernel refused native XDP; 0: it did
	 * not. */
	__u8 refused;
	__u16 flags;			/* enum link_flags */
	/* The link's own MAC addresses: six bytes as in a frame, then two zero bytes. Unused places
	 * hold LINK_NO_MAC. */
	__u64 macs[LINK_MACS];
	__u32 mtu6;			/* longest IPv6 packet, in bytes: it may be less than mtu */
	/* For a port, or the MACVLAN of a virtual router (VRRP): the ifindex of the bridge, bond or
	 * interface that receives its untagged frames. Otherwise 0. */
	__u32 above;
	/* For a VLAN: the ifindex of the port on which its frames leave with these tags. Otherwise
	 * 0. */
	__u32 port;
	__be16 tags[2];			/* VLAN ids of the link, the outer one first; 0: no tag */
};
_Static_assert(sizeof(struct link) == 64, "a link is a cache line");

/* ---- next hops ---- */

/* nexthops: PERCPU_ARRAY. The programs write it. Times are in jiffies. The array has four parts:
 * - slot .slot of a struct service (an even number): the next hop to the backend, for originals
 * - slot .slot + 1: the next hop to the client that was answered last, for replies
 * - NEXTHOP_UNIFORM slots: next hops of whole prefixes, for replies (abi_uniform.h)
 * - NEXTHOP_GATEWAYS slots, indexed by a hash of the neighbour: when the kernel's own neighbour
 *   output last carried a reply to it */
#define NEXTHOP_UNIFORM 64
#define NEXTHOP_GATEWAYS 1024
struct nexthop {
	__u64 until;			/* time until which this is valid */
	/* For each plane: from this time on, one packet is sent by the kernel's neighbour output,
	 * so that the kernel keeps the neighbour entry alive. */
	__u64 probe[2];
	__u32 generation; /* struct control .generation at the FIB lookup */
	__u16 egress;			/* enum link_flags of the egress link */
	__u16 pad;
	struct bpf_fib_lookup fib;	/* arguments and result */
	/* For replies: the destination address and port, and the ingress link, of the FIB
	 * lookup. */
	struct addr client;
	__be16 client_port;
	__be16 tags[2];			/* VLAN ids of the egress link, as in struct link */
	__u16 pad1;
	__u32 ifindex;
	__u32 port;		/* if the egress link is a VLAN: ifindex of its port; else 0 */
};
_Static_assert(sizeof(struct nexthop) == 128, "a next hop is two cache lines");

/* ---- choices: entries of struct learned_entry, for services with SERVICE_CHOICE ----
 *
 * If one backend serves several listeners, an entry remembers which listener a client used. An
 * entry is HALF until the backend answers, then LIVE. An entry stays valid after its time, until
 * another entry needs its place. */

/* Validity of a HALF entry; after it another entry may take the place. */
#define CHOICE_HALF_SECONDS 15
/* Validity of a LIVE entry: the longest life of a WireGuard session. */
#define CHOICE_LIVE_SECONDS 200

struct choice_key {
	struct addr client, backend;
	__be16 client_port, backend_port;
	__u32 family;
};
struct choice {
	/* The listener that the client used. Address, port and ifindex make a table key of
	 * KEY_SERVICE. */
	struct addr addr;
	__be16 port;
	__u16 backend;		/* its number among those of the listener's service */
	__u32 ifindex;
};

/* ---- frags: entries of struct learned_entry, HALF ----
 *
 * The first fragment of a UDP datagram leaves an entry. By it the later fragments, which have no
 * UDP header, are recognised. */

#define FRAGMENT_SECONDS 2
struct fragment_key {
	struct addr src, dst;	/* addresses of the datagram, which tell its family */
	__be32 id;			/* identification; 16 bits in IPv4 */
	__u32 ifindex;	/* logical link on which the first fragment arrived */
};
struct fragment {
	__be16 sport, dport;
	__u16 pad;
	/* End of the first fragment's payload, in bytes: later ones may not begin before it. */
	__u16 end;
};

/* fragment_area: PERCPU_ARRAY of one element. The work area in which tc fragments a packet that
 * exceeds the MTU, from the first fragment to the last (bpf/fragment/too_big.h). `wgxdp trace`
 * reads it after a run. */
/* Longest payload that is fragmented, in bytes, without the IP header. */
#define FRAGMENTED_LEN 16000
#define FRAGMENT_MAX 15360
#define FRAGMENT_ROOM 16384		/* FRAGMENT_MAX, rounded up to a power of two */
struct fragment_area {
	/* Offset of the IP header in the packet, and length of each fragment's IP header, in
	 * bytes. */
	__u32 l3, header;
	/* Length of the IPv6 fragment header that is inserted into a whole packet; otherwise 0. */
	__u32 shift;
	__be32 ident;			/* for IPv6 fragments of a packet that arrived as IPv4 */
	/* Bytes of payload: in the whole packet, in each fragment except the last, and not yet
	 * sent. */
	__u32 len, step, rest;
	/* Only the first fragment is sent, instead of the packet. */
	__u32 first_alone;
	__u32 ifindex;			/* egress device */
	/* The fragment offset field as it arrived, in host byte order. In IPv6 it includes the
	 * three bits below the offset. */
	__u32 frag_off;
	__u64 sum;
	__u32 option;		/* IPv4: offset of the next option, in bytes */
	/* True while the present option is replaced by no-operations. */
	__u32 option_goes;
	__u32 option_delta;	/* change of the header's sum by replaced options */
	__u8 ip[2][64];			/* headers: the first fragment's, the others' */
	/* The payload. The array is so long because the verifier adds the largest offset and the
	 * largest length. */
	__u8 stash[FRAGMENTED_LEN + FRAGMENT_ROOM];
};

/* ---- tables of learned entries: each is an ARRAY of buckets (abi_learned.h) ----
 *
 * User space reads the tables through mmap(). While the programs run, only they write. In a table
 * of rate limits an entry is HALF. The value of the entry is the state of the limit, a time
 * (abi_guard.h), and the entry is valid until that time. */

union learned_key {
	__u64 word[LEARNED_KEY];	/* words that the key does not need are 0 */
	struct fragment_key fragment;
	struct choice_key choice;
	struct client_key client;	/* icmp_limits uses only the address */
	struct index_key index;
};
union learned_value {
	__u64 word[LEARNED_VALUE];	/* words that the value does not need are 0 */
	struct fragment fragment;
	struct choice choice;
	struct answered answered;
	__u64 used;			/* state of a rate limit (abi_guard.h) */
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
	/* A rule or route depends on more than the destination, or a route has several next hops.
	 * In both cases, the next hop of one packet cannot be reused for another packet. */
	CONTROL_ASK_ALWAYS = 1 << 0,
	/* For user space: the running programs were loaded with with_choices on. */
	CONTROL_WITH_CHOICES = 1 << 1,
	/* The running programs were loaded with with_source_trie on. */
	CONTROL_WITH_SOURCE_TRIE = 1 << 2,
};

/* The upper half of control.flags is the lowest locked MTU of this host's routes; 0: none. */
#define CONTROL_MTU_SHIFT 16

struct control {
	__u32 abi_version;
	/* Generation of next hops: those with another number are invalid. Every process that learns
	 * of a change of routes increments it. */
	__u32 generation;
	__u32 list_levels; /* levels of list_hints (abi_lists.h) in use: 1 << level << 3 * IPv6 */
	__u32 flags;			/* enum control_flags */
	__u64 netns;			/* inode of the network namespace in which `up` ran */
	__u64 program;			/* hash of the loaded object with its switches */
	/* Until this time in jiffies a daemon keeps the map uniform up to date. */
	__u64 heartbeat;
	/* Before this time in jiffies the programs do not ask for a heartbeat again. */
	__u64 asked;
};

/* budgets: PERCPU_ARRAY of one element: what this CPU may still do in the present period. */
struct budgets {
	struct guard_budget guard;
	struct notify_budget notify;
	struct event_budget event;
};

#endif
