/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * struct pkt_state: all that the steps know about a packet. struct pkt_state is the value of the
 * per-CPU map `states`, where every step reads and writes it. pkt.h includes this header. In the
 * opening comments of the steps' headers `s` is the state, and `Before` and `After` name the steps
 * that run before and after.
 *
 * It holds no pointers. To the verifier, a number that is read from a map is unknown, so it merges
 * paths that differ only in such numbers. A step must bound a number before it indexes an array or
 * the packet with it.
 */
#pragma once

#include "abi.h"
#include "blake2s.h"

/* The question of resolve() to the FIB (fib.h). */
struct fib_question {
	struct addr src, dst;
	__be16 sport, dport;
	__u32 ifindex;			/* link on which the packet arrived */
	__u32 slot;			/* slot of nexthops that gets the result */
	__u32 family;
};

/* Position of a walk through IPv4 options or IPv6 extension headers (extensions.h). Offsets count
 * from `from`. */
struct walk {
	__u32 from;			/* offset of the IP header in the packet */
	/* Offset of the next header. At the end of the walk: offset of the first header behind all
	 * options or extension headers. */
	__u32 off;
	__u32 fragment;			/* offset of a fragment's payload; 0: the packet is whole */
	/* Type of the header at off. In a later fragment: IPPROTO_FRAGMENT. */
	__u32 type;
};

/* An ICMP error, and the packet that it quotes (icmp/). */
struct quote {
	struct addr from;		/* source of the error */
	struct addr src, dst;		/* addresses of the quoted packet */
	union {
		/* New source (original direction) or new destination of the quoted packet. */
		struct addr to;
		/* Fragment header of the quoted IPv6 packet; all 0: none. For a service without
		 * flows, `to` overwrites it later. */
		__u8 fragment[8];
	};
	__be16 sport, dport, to_port;
	__u8 original, family;
	/* Offsets in bytes that the four headers had in the packet when it arrived. */
	__u32 ip_at, icmp_at, inner_at, udp_at;
	/* The headers: as they arrived, and from the rewrite on as they leave. */
	__u8 outer[40], inner[40];	/* outer and quoted IP header, without options */
	__u8 icmp[8], udp[8];
};

/* How the packet changes its flow: flow_commit() carries it out. */
enum flow_newness { FLOW_KNOWN, FLOW_NEWCOMER, FLOW_MOVES, FLOW_ANSWERED };

/* Work on a packet of a flow, of a new client, or of the blind relay (flow/). */
struct flow_work {
	/* Addresses and ports of the packet as it arrived. For an ICMP error: those of the quoted
	 * packet, with source and destination exchanged. */
	struct flow_key key;
	struct flow_way {		/* the packet as it leaves */
		struct addr src, dst;
		__be16 sport, dport;
		__u16 delta;		/* change of the sum of both addresses: new - old */
		__u8 family;
		__u8 is_new;		/* enum flow_newness */
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
		__u32 no_checksum; /* true: the packet's UDP checksum is 0, that is, missing */
		__u8 bytes[48];		/* the new header */
		/* ICMP errors: type << 8 | code, and the second word of the ICMP header in host
		 * byte order. */
		__u32 kind, word;
		__u8 inner[40];		/* new IP header of the quoted packet */
	} nat64;
	/* Place of the flow in flow_table, and its word there (flow/find.h). */
	__u64 word;
	__u32 place;
	__u32 is_found;		/* a flow has this key; it may have expired */
	__u64 hash;			/* hash of the flow's key */
	__u64 now, units;	/* present time in jiffies, and in units of abi_learned.h */
	struct flow made;		/* the new flow, until it is written to its place */
	__u32 half_open;	/* seconds for which the new half-open flow is valid */
	/* Arguments of flow_charge() and flow_share() (flow/share.h): enum share_charge; number of
	 * the source's prefix; true: charge it, false: only look. */
	__u32 charge, prefix, charges;
	/* Search for a free port: random start, and number of the candidate that is tried. */
	__u64 start;
	__u32 tries;
	/* Search without success: the flow that may be displaced first, and its candidate's
	 * number. */
	__u32 yields_place, yields_try;
	__u64 yields_word, yields_rank;
	int result;			/* result of the callback of bpf_loop() */
};

/* Work on a WireGuard message that the guard or the blind relay inspects (guard/). */
struct guard_work {
	int says;	/* 0, or the reason for which the guard refuses the packet */
	__u32 remember;	/* true: guard_make() must record this handshake message */
	__u32 id, place;		/* service id; index for the next map lookup */
	__u64 now, hash;
	/* Client of the service: sender of an original, receiver of a reply. */
	struct client_key client;
	__u32 kind;		/* enum message; 0: no WireGuard message */
	/* Number of the backend that gets or sends the message. */
	__u32 backend;
	/* Session index that the backend chose: receiver index of an original, sender index of a
	 * reply. */
	__le32 index;
	__u32 known;			/* true: a backend has answered the client before */
	__u32 counts;	/* true: `known`, and this message counts for the backend's health */
	__u32 proven;	/* true: the message has a cookie, so its source address is not forged */
	__u32 failed;			/* enum failed_kind of the source */
	__u32 original;
	int result;			/* result of the callback of bpf_loop() */
	__u32 key, tried;	/* index of the first key to try; number of keys tried */
	__u32 row, turn; /* row of replays; entry in that row */
	/* Position of the message in the packet: see guard/message.h. */
	__u32 segments, payload, len, end, junk;
	/* GSO segments with another index than the first segment. */
	__u32 indices;
	struct addr local;		/* destination of an original */
	__u32 ifindex;
	__be16 local_port;
	__u8 message[160];		/* an initiation or response, from its first byte on */
	/* Blocks to hash: the two of an initiation, or the single block of a response. */
	struct blake2s_work work[2];
};

/* Work on an entry of a learned table: learned_entry.h finds it, writes it, or charges it. */
struct learned_work {
	union learned_key key;
	/* value: to be written. is: what the entry has. */
	union learned_value value, is;
	/* Hashes of the key: .hash for its first bucket, .other for its second. */
	__u64 hash, other;
	__u64 word;			/* word of the entry's place, when it was last read */
	__u64 now, until; /* present time and timeout of the entry, in units of abi_learned.h */
	/* Rate limits: the present time in ticks, and the arguments of limit_charge(). */
	__u64 ticks, each, burst;
	__u32 place;
	__u32 state;			/* enum learned_state that the entry gets */
	__u32 sought;			/* true: both buckets were searched for a place */
	__u32 longest; /* longest validity of an entry of this table, in units of abi_learned.h */
	/* Search for a place (learned.h): the words of both buckets; the best place's way, rank and
	 * previous word. */
	__u64 words[2 * LEARNED_WAYS];
	__u64 way, rank, was;
};

/* Work on a packet for the blind relay (blind/). */
struct blind_work {
	__u64 now;
	__u32 from, to;			/* sites of the sender and receiver */
	/* Sender and receiver index. In data and cookie replies, `index` is the receiver index. */
	__le32 index, receiver;
	__u32 waits;			/* true: the receiving site's address is unknown */
	__u32 make;	/* enum message that blind_commit() records; 0: none */
	__u64 key, value;		/* key and value of the entry to write */
	/* For removals: the site that gave the index out; true: remove even a confirmed index. */
	__u32 origin, even;
	__u64 pair;			/* keys for the next map lookups */
	__u32 home[2];
	__u32 total;			/* index of the packet's counters in blind_totals */
	/* Search for the receiver by mac1: the site whose key is tried, the first site, and whether
	 * it is the only one to try. */
	__u32 site, first, single;
	__u32 last;	/* true: try also the sites in .last of the sender */
	int result;			/* result of the callback of bpf_loop() */
};

/* The key of a packet in the memo of the express path (express/). */
struct express_key {
	__u64 from, to;			/* see express/memo.h */
	__u64 source, destination[2];	/* IPv6: second half of the source; destination */
	__le32 index;	/* blind relay: receiver index of a message; else 0 */
};

/* A packet that the memo did not have. If the pipeline sends it, the memo learns the decision. */
struct express_work {
	__u64 mac;			/* express_mac() */
	__u32 generation;	/* express_generation() before the pipeline decides */
	union {				/* source and destination port */
		__u32 ports;
		__be16 port[2];
	};
	__u16 vlan;			/* 0, or KEY_TAGGED | the VLAN id */
	__u8 learn;			/* true: the memo may learn, and the rest is valid */
	__u8 is_data;		/* true: plain WireGuard data; valid only if there are guards */
	/* Members that learn.h sets. */
	__u8 wide;			/* the entry needs struct memo_more */
	__u8 guarded, strict;	/* the service has a guard; it must know the client */
	__u8 open;			/* a stranger can have packets like this one forwarded */
	__u8 former;		/* its line has a former entry, or the memo has no line for it */
	/* Present time, end of the entry, end of its next hop, in jiffies. */
	__u64 now, until, fresh;
	__u64 at;			/* from memo_place() */
	__u32 slot;			/* as in struct express_hop */
	__u32 bucket;			/* result of memo_place() */
	__u32 line, hop;		/* results of memo_line() and express_hop() */
	struct express_key key;		/* express_try() sets only .index */
};

struct pkt_state {
	/* run() clears the members up to `busy` for each packet. */
	/* Tag that allowed_remember() stores when the packet is sent; 0: none. */
	__u64 tag;
	/* Peers: the sender's id in the lower half, the receiver's in the upper; 0: no peer. */
	__u64 peers;
	__u32 fragment;	/* from fragment_word(); 0: the packet is whole */
	/* XDP: LINK_XDP_SENDS_FRAGS if the packet spans several buffers. */
	__u32 frags;
	__be16 sport, dport;		/* UDP ports; 0: not known */
	/* enum reason of a fault that counts only if the packet is ours; 0: none. */
	__u16 pending_reason;
	/* tc: bytes of payload in each fragment to be made; 0: the packet is not fragmented. */
	__u16 fragment_size;
	__u8 family;		/* family at arrival; 0: no IP header was parsed */
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
	/* Between sites: the packet counts for peers, and only its hop limit changes. */
	__u8 overlay;
	/* To our own address, or to a peer's outside the overlay: only replies may pass there. */
	__u8 outside;
	__u8 silent;			/* send no ICMP error about the packet */
	__u8 tcp_more;	/* relay: bytes by which a TCP header is longer than UDP's; 0: not TCP */
	__u8 direction;
	__u8 bare;	/* tc: the packet came from an L3 device, without an Ethernet header */
	/* A packet uses this state. run() clears neither this member nor those below. */
	__u8 busy;
	/* Members that enter() sets. */
	__u8 link_role;
	__u16 link_flags;		/* enum link_flags of the logical link of arrival */
	__u32 ifindex, sources;
	__u32 l3, l4;		/* offsets of IP header and UDP header in the packet */
	__u32 len;		/* length of the IP packet by its header, in bytes */
	/* tc, GSO: segments, length of the longest one, and of its headers. Otherwise 1 and len. */
	__u32 segments, segment_len, segment_header;
	struct addr src, dst;
	__be32 datagram;	/* identification of the datagram to which a fragment belongs */
	/* Sum of both addresses for the pseudo header, not folded to 16 bits. */
	__u64 pseudo;
	/* csum_compare() of the UDP checksum and the sum of the pseudo header. */
	__u64 partial;
	__u16 checksum;			/* UDP checksum of the packet; 0: it has none */
	__u8 ttl, tos;
	__be32 flowinfo;		/* IPv6: traffic class and flow label of the header */
	__u8 leaves;			/* family with which the packet leaves */
	__u8 next;			/* relay: type of the header behind IPv6's */
	__u8 check_at;			/* relay: offset of the checksum in the header at l4 */
	/* Members that find() sets. */
	/* .to and .port replace the destination of an original, and the source of a reply. */
	struct service service;
	/* Members that resolve() and leave() set. */
	__u32 out;	/* next-hop slot, an index in nexthops; NO_SLOT: a tunnel */
	__u32 mtu;
	__u64 now;			/* present time in jiffies */
	__u32 rates[3];		/* indices in the map rates, from rate_admits() to rate_pay() */
	int result;	/* result of the step before; in blind_find(): a site's number */
	int action;			/* action of the plane, from send() */
	struct fib_question question;
	struct flow_work flow;
	/* Members that few packets need. */
	struct guard_work guard;
	struct blind_work blind;
	struct walk walk;
	struct quote quote;
	struct learned_work learned;
	struct {
		__u32 end;		/* offset at which the IP packet ends */
		__u8 bytes[40], begins; /* inspected header; a TCP packet may begin a connection */
	} policy;			/* relay: a packet that is not plain UDP */
	/* This CPU's rate limit of ICMP errors (icmp/send.h), which stays from packet to packet. */
	__u64 errors_until;
	struct express_work express;
};
#define NO_SLOT (~0U)
