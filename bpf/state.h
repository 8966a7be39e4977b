/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * struct pkt_state: all that the steps know about a packet. It is the value of the per-CPU map
 * `states`, where every step reads and writes it. pkt.h includes this header. In the opening
 * comments of the steps' headers `s` is the state, and `Before` and `After` name the steps that run
 * before and after.
 *
 * It holds no pointers. To the verifier, a number that is read from a map is unknown, so it merges
 * paths that differ only in such numbers. A step must bound a number before it indexes an array or
 * the packet with it.
 */
#pragma once

#include "abi.h"
#include "blake2s.h"

/* Arguments of the FIB lookup in resolve() (fib.h). */
struct fib_question {
	struct addr src, dst;
	__be16 sport, dport;
	__u32 ifindex;			/* ifindex of the link on which the packet arrived */
	__u32 slot;			/* index in nexthops of the slot for the result */
	__u32 family;
};

/* Position of a walk through IPv4 options or IPv6 extension headers (extensions.h). Offsets count
 * from `from`. */
struct walk {
	__u32 from;			/* offset of the IP header in the packet */
	/* Offset of the next header. At the end of the walk: offset of the first header behind all
	 * options or extension headers. */
	__u32 off;
	__u32 fragment;			/* offset of the payload of a fragment; 0: not a fragment */
	/* Type of the header at off. In a later fragment: IPPROTO_FRAGMENT. */
	__u32 type;
};

/* An ICMP error, and the packet that it quotes (icmp/). */
struct quote {
	struct addr from;		/* source of the error */
	struct addr src, dst;		/* source and destination of the quoted packet */
	union {
		/* New source (original direction) or new destination of the quoted packet. */
		struct addr to;
		/* Fragment header of the quoted IPv6 packet; all 0: none. For a service without
		 * flows, `to` overwrites it later. */
		__u8 fragment[8];
	};
	__be16 sport, dport, to_port;
	__u8 original, family;
	/* Offsets of the four headers in the packet as it arrived. */
	__u32 ip_at, icmp_at, inner_at, udp_at;
	/* The headers: until the rewrite as they arrived, and after it as they leave. */
	__u8 outer[40], inner[40];	/* outer and quoted IP header, without options */
	__u8 icmp[8], udp[8];
};

/* The change that flow_commit() makes to the flow of the packet. */
enum flow_newness { FLOW_KNOWN, FLOW_NEWCOMER, FLOW_MOVES, FLOW_ANSWERED };

/* Work on a packet of a flow, of a new client, or of the blind relay (flow/). */
struct flow_work {
	/* Addresses and ports of the packet as it arrived. For an ICMP error: those of the quoted
	 * packet, with source and destination exchanged. */
	struct flow_key key;
	struct flow_way {		/* addresses and ports of the packet as it leaves */
		struct addr src, dst;
		__be16 sport, dport;
		__u16 delta;		/* change of the checksum by both new addresses */
		__u8 family;
		__u8 is_new;		/* change that flow_commit() makes (enum flow_newness) */
	} way;
	/* Id of the service, and ifindex of the listener's link. For the blind relay, id is the
	 * sender's site number. */
	__u32 id, ifindex;
	__u32 backend;	/* number of the backend; blind relay: site number of the receiver */
	struct flow_nat64 {		/* translation to the other IP version (flow/nat64.h) */
		/* Length of the payload behind the new header, and of the new header, in bytes. */
		__u32 payload, head;
		__u16 fragment;		/* fragment offset field, from fragment_offset() */
		__u8 tos, ttl;
		__u32 no_checksum; /* true: the UDP checksum of the packet is 0, so it has none */
		__u8 bytes[48];		/* the new header */
		/* ICMP errors: type << 8 | code, and the second word of the ICMP header in host
		 * byte order. */
		__u32 kind, word;
		__u8 inner[40];		/* new IP header of the quoted packet */
	} nat64;
	/* Place of the flow in flow_table, and its word there (flow/find.h). */
	__u64 word;
	__u32 place;
	__u32 is_found;		/* flow_find() found a flow with this key; it may have expired */
	__u64 hash;			/* hash of the flow's key */
	__u64 now, units;	/* present time in jiffies, and in the units of abi_learned.h */
	struct flow made;		/* the new flow, before it is written to its place */
	/* While a free port is searched: the random start, and the number of the candidate port. */
	__u64 start;
	__u32 tries;
	/* If all candidate ports are taken: place of the flow that may be displaced first, and
	 * number of its candidate. */
	__u32 yields_place, yields_try;
	__u64 yields_word, yields_rank;
	int result;			/* result of the callback of bpf_loop() */
};

/* Work on a WireGuard message that the guard or the blind relay inspects (guard/). */
struct guard_work {
	int says;	/* result of the guard: 0, or the reason for which it refuses the packet */
	__u32 remember;	/* true for a handshake message: guard_make() must run when it is sent */
	__u32 id, place;		/* id of the service, and index for the next map lookup */
	__u64 now, hash;
	/* Client of the service: sender of an original, receiver of a reply. */
	struct client_key client;
	__u32 kind;		/* type of the message (enum message); 0: not a WireGuard message */
	/* Number of the backend that receives or sends the message. */
	__u32 backend;
	/* Session index that the backend chose: receiver index of an original, sender index of a
	 * reply. */
	__le32 index;
	__u32 known;			/* true: a backend has answered this client */
	__u32 counts;	/* true: `known`, and this message counts for the backend's health */
	__u32 proven;	/* true: the message has a cookie, so its source address is not forged */
	__u32 failed;			/* state of the source's wrong mac1s (enum failed_kind) */
	__u32 original;
	int result;			/* result of the callback of bpf_loop() */
	__u32 key, tried;	/* index of the first key to try, and number of keys tried */
	__u32 row, turn; /* index of the row in replays, and number of the entry in the row */
	/* Positions of the message in the packet: see guard/message.h. */
	__u32 segments, payload, len, end, junk;
	/* Number of GSO segments whose index differs from that of the first segment. */
	__u32 indices;
	struct addr local;		/* destination address of an original */
	__u32 ifindex;
	__be16 local_port;
	__u8 message[160];		/* an initiation or response, from its type on */
	/* Blocks to hash: the two of an initiation, or the single block of a response. */
	struct blake2s_work work[2];
};

/* Work on an entry that learned_entry.h finds, writes, or charges to a limit. */
struct learned_work {
	union learned_key key;
	/* value: the value to write. is: the value that the entry has. */
	union learned_value value, is;
	/* Hashes of the key: .hash for its first bucket, .other for its second. */
	__u64 hash, other;
	__u64 word;			/* word of the entry's place, when it was last read */
	__u64 now, until; /* present time and timeout of the entry, in units of abi_learned.h */
	/* Rate limits: the present time in ticks, and the arguments of limit_charge(). */
	__u64 ticks, each, burst;
	__u32 place;
	__u32 state;			/* state that the entry gets (enum learned_state) */
	__u32 sought;			/* true: the words of both buckets were copied and ranked */
	/* While a place is searched (learned.h): the words of both buckets. Then the way of the
	 * best place, its rank, and its previous word. */
	__u64 words[2 * LEARNED_WAYS];
	__u64 way, rank, was;
};

/* Work on a packet for the blind relay (blind/). */
struct blind_work {
	__u64 now;
	__u32 from, to;			/* site numbers of the sender and the receiver */
	/* Sender and receiver index. In data and cookie replies, `index` is the receiver index. */
	__le32 index, receiver;
	__u32 waits;			/* true: the address of the receiving site is unknown */
	__u32 make;	/* type of message (enum message) that blind_commit() records; 0: none */
	__u64 key, value;		/* key and value of the entry to write */
	/* For removals: number of the site that gave the index out, and whether a confirmed index
	 * is removed too. */
	__u32 origin, even;
	__u32 home[2], pair;		/* keys of the maps for the next lookups */
	/* Number of the site whose key is tried, number of the first site, and whether only that
	 * one is tried. */
	__u32 site, first, single;
	__u32 last;	/* true: also try the sites in .last of the sender's struct blind_site */
	int result;			/* result of the callback of bpf_loop() */
};

/* The values that the express path reads from a packet, and then remembers about it (express/). */
struct express_work {
	struct express_key key;		/* the packet as it arrived */
	__u64 mac, now;			/* addresses and ports of the packet as it arrived */
	__u32 ifindex;			/* ifindex of the device that received the packet */
	__u32 generation;	/* value of express_generation() before the pipeline starts */
	/* Length of the IP packet, and of the payload behind the IP header, in bytes. */
	__u32 len, payload;
	__u8 ipv4;
	__u8 learn;			/* kind of entry to remember (enum express_learns) */
	__u8 is_data;		/* true: plain WireGuard data; only set if there are guards */
	/* Set by express_learn(): whether the service has a guard, and whether the guard is
	 * strict. */
	__u8 guarded, strict;
};

struct pkt_state {
	/* run() clears the members up to `busy` for each packet. */
	/* Tag that allowed_remember() stores when the packet is sent; 0: none. */
	__u64 tag;
	/* Peer ids: the sender's in the lower half, the receiver's in the upper half; 0: none. */
	__u64 peers;
	__u32 fragment;	/* offset of the fragment and of its payload, from fragment_word() */
	/* XDP: LINK_XDP_SENDS_FRAGS if the packet spans several buffers. */
	__u32 frags;
	__be16 sport, dport;		/* UDP ports; 0 if the packet has none */
	/* Pending fault (enum reason), which counts only if the packet is ours. */
	__u16 pending_reason;
	/* tc: bytes of payload in each fragment to be made; 0: the packet is not fragmented. */
	__u16 fragment_size;
	__u8 family;		/* IP family of the packet; 0: no IP header has been parsed */
	/* An ICMP error: `quote` is set. src, dst and the ports are those of the quoted packet,
	 * with source and destination exchanged. */
	__u8 is_quote;
	__u8 has_service;		/* the member `service` is set */
	__u8 has_way;			/* the member flow.way is set */
	__u8 has_key;			/* the member flow.key is set */
	__u8 is_blind;			/* the blind relay forwards the packet */
	__u8 generic;			/* the port runs XDP in generic mode */
	/* tc: the kernel's neighbour output sends the packet, and resolves or probes the next
	 * hop. */
	__u8 through_neighbour;
	/* The packet is between sites: it is counted for peers, and only its hop limit changes. */
	__u8 overlay;
	/* The packet is for a peer's address outside the overlay: only replies pass. */
	__u8 outside;
	__u8 silent;			/* the program may send no ICMP error about this packet */
	__u8 direction;
	__u8 bare;	/* tc: the packet came from an L3 device, without an Ethernet header */
	/* The state is in use by a packet. run() clears neither this member nor the members
	 * below. */
	__u8 busy;
	/* Members that enter() sets. */
	__u8 link_role;
	__u16 link_flags;		/* flags of the logical link on which the packet arrived */
	__u32 ifindex, sources;
	__u32 l3, l4;		/* offsets of the IP header and the UDP header in the packet */
	__u32 len;		/* length of the IP packet according to its header, in bytes */
	/* tc, GSO: number of segments, and length of the longest one with its IP header. Otherwise
	 * 1 and len. */
	__u32 segments, segment_len;
	struct addr src, dst;
	__be32 datagram;		/* identification of a fragmented datagram */
	/* Sum of both addresses for the pseudo header, not folded to 16 bits. */
	__u64 pseudo;
	/* csum_compare() of the UDP checksum and the sum of the pseudo header. */
	__u64 partial;
	__u16 checksum;			/* UDP checksum of the packet; 0: it has none */
	__u8 ttl, tos;
	__be32 flowinfo;		/* IPv6: traffic class and flow label of the header */
	__u8 leaves;			/* IP family with which the packet leaves */
	__u8 next;			/* relay: type of the header that follows the IPv6 header */
	__u8 check_at;			/* relay: offset of the checksum in the header at l4 */
	/* Members that find() sets. */
	/* .to and .port replace the destination of an original, and the source of a reply. */
	struct service service;
	/* Members that resolve() and leave() set. */
	__u32 out;	/* index in nexthops of the slot of the next hop; NO_SLOT: a tunnel */
	__u32 mtu;
	__u64 now;			/* present time in jiffies */
	int result;	/* result of the previous steps; in blind_find(): number of a site */
	int action;			/* action of the plane, which send() sets */
	struct fib_question question;
	struct flow_work flow;
	/* Members that few packets need. */
	struct guard_work guard;
	struct blind_work blind;
	struct walk walk;
	struct quote quote;
	struct learned_work learned;
	struct {
		__u32 end;		/* offset of the end of the IP packet */
		__u8 bytes[40];		/* bytes of the header that is being inspected */
	} policy;			/* relay: work on a packet that is not plain UDP */
	/* Not reset for each packet: state of this CPU's rate limit of ICMP errors
	 * (icmp/send.h). */
	__u64 errors_until;
	struct express_work express;
};
#define NO_SLOT (~0U)
