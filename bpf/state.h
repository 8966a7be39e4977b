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

/* Arguments of the FIB lookup in resolve (fib.h). */
struct fib_question {
	struct addr src, dst;
	__be16 sport, dport;
	__u32 ifindex;			/* the link on which the packet arrived */
	__u32 slot;			/* index in nexthops for the result */
	__u32 family;
};

/* Position in IPv4 options or IPv6 extension headers (extensions.h). Offsets count from `from`. */
struct walk {
	__u32 from;			/* offset of the IP header in the packet */
	/* Offset of the next header. At the end: of the first header behind all options or
	 * extension headers. */
	__u32 off;
	__u32 piece;			/* offset of a fragment's payload; 0: not a fragment */
	/* Type of the header at off. In a later fragment: IPPROTO_FRAGMENT. */
	__u32 type;
};

/* An ICMP error and the packet that it quotes (icmp/). */
struct quote {
	struct addr from;		/* sender of the error */
	struct addr src, dst;		/* addresses of the quoted packet */
	union {
		struct addr to;	/* new src (original direction) or dst of the quoted packet */
		/* The IPv6 fragment header in the quote, or 0. For a service without flows, `to`
		 * overwrites it later. */
		__u8 fragment[8];
	};
	__be16 sport, dport, to_port;
	__u8 original, family;
	__u32 ip_at, icmp_at, inner_at, udp_at;	/* offsets in the packet as it arrived */
	/* The headers: first as they arrived, then as they leave. */
	__u8 outer[40], inner[40];	/* IP headers without options */
	__u8 icmp[8], udp[8];
};

/* The change that flow_commit() makes to the flow of the packet. */
enum flow_newness { FLOW_KNOWN, FLOW_NEWCOMER, FLOW_MOVES, FLOW_ANSWERED };

/* A packet of a flow, of a new client, or of the blind relay (flow/). */
struct flow_work {
	/* The packet as it arrived. For an ICMP error, the quoted packet with source and
	 * destination exchanged. */
	struct flow_key key;
	struct flow_way {		/* the packet as it leaves */
		struct addr src, dst;
		__be16 sport, dport;
		__u16 delta;		/* checksum difference of both addresses */
		__u8 family;
		__u8 is_new;		/* enum flow_newness */
	} way;
	/* The service, and the listener's link. For the blind relay, id is the sender's site. */
	__u32 id, ifindex;
	__u32 backend;	/* number of the backend; blind relay: the receiver's site */
	struct flow_across {		/* translation to the other IP version (flow/across.h) */
		/* Length of the payload behind the new header, and of the new header. */
		__u32 payload, head;
		__u16 fragment;		/* fragment_offset() */
		__u8 tos, ttl;
		__u32 no_checksum;	/* true: the packet has no UDP checksum (0) */
		__u8 bytes[48];		/* the new header */
		/* ICMP errors: type << 8 | code, and the second word in host byte order. */
		__u32 kind, word;
		__u8 inner[40];		/* the new quoted IP header */
	} across;
	/* The place of the flow in flow_table, and its word (flow/find.h). */
	__u64 word;
	__u32 place;
	__u32 is_found;			/* a flow with this key exists; it may have expired */
	__u64 hash;			/* hash of the key */
	__u64 now, units;		/* the time in jiffies, and in the units of abi_learned.h */
	struct flow made;		/* a new flow, before it is written */
	/* While a free port is searched: the random start, and the number of the candidate. */
	__u64 start;
	__u32 tries;
	/* If all candidates are taken: the flow that may be displaced first, and its candidate. */
	__u32 yields_place, yields_try;
	__u64 yields_word, yields_rank;
	int answer;
};

/* A WireGuard message that the guard or the blind relay inspects (guard/). */
struct guard_work {
	int says;	/* 0, or the reason for which the guard refuses the packet */
	__u32 remember;	/* handshake message: guard_make() must run when it is sent */
	__u32 id, place;		/* id of the service; index for the next map lookup */
	__u64 now, hash;
	/* Client of the service: sender of an original, receiver of a reply. */
	struct client_key client;
	__u32 kind;			/* enum message; 0: not a WireGuard message */
	/* Number of the backend that receives or sends the message. */
	__u32 backend;
	/* The backend's index: receiver index of an original, sender index of a reply. */
	__le32 index;
	__u32 known;			/* a backend has answered this client */
	__u32 counts;	/* likewise, and this message counts for the backend's health */
	__u32 proven;	/* the message has a cookie, so its source address is not forged */
	__u32 failed;			/* enum failed_kind */
	__u32 original;
	int answer;
	__u32 key, tried;		/* index of the first key, and number of keys tried */
	__u32 row, turn;		/* index in replays, and the entry of the row to use */
	/* Positions of the message in the packet: see guard/message.h. */
	__u32 segments, payload, len, end, junk;
	__u32 indices;	/* number of GSO segments whose index differs from the first one's */
	struct addr local;		/* destination of an original */
	__u32 ifindex;
	__be16 local_port;
	__u8 message[160];		/* an initiation or response, starting with its type */
	/* The two blocks of an initiation, or the single block of a response. */
	struct blake2s_work work[2];
};

/* An entry that learned_entry.h finds, writes, or charges to a limit. */
struct learned_work {
	union learned_key key;
	union learned_value value, is;	/* value: to be written; is: the present value */
	__u64 hash, other;		/* hashes of the key, for its first and its second bucket */
	__u64 word;			/* the word of the entry's place, when it was read */
	__u64 now, until;		/* in units of abi_learned.h */
	/* Rate limits: the present time, and the arguments of limit_take(). */
	__u64 ticks, each, burst;
	__u32 place;
	__u32 state;			/* enum learned_state */
	__u32 sought;			/* the words of both buckets were copied and ranked */
	/* While a place is searched (learned.h): the words of both buckets; and the best place's
	 * way, rank and previous word. */
	__u64 words[2 * LEARNED_WAYS];
	__u64 way, rank, was;
};

/* A packet for the blind relay (blind/). */
struct blind_work {
	__u64 now;
	__u32 from, to;			/* site numbers */
	/* Sender and receiver index. In data and cookie replies, `index` is the receiver index. */
	__le32 index, receiver;
	__u32 waits;			/* the address of the receiving site is not known yet */
	__u32 make;			/* enum message: what blind_commit() records */
	__u64 key, value;		/* entry to be written */
	/* For removals: the site that gave the index out; and whether a confirmed index is removed
	 * too. */
	__u32 origin, even;
	__u32 home[2], pair;		/* keys of maps */
	/* The site whose key is tried, the first one, and whether only that one is tried. */
	__u32 site, first, single;
	__u32 last;	/* also try the sites in .last of the sender's struct blind_site */
	int answer;
};

/* The values that the express path reads from a packet, and then remembers about it (express/). */
struct express_work {
	struct express_key key;		/* the packet as it arrived */
	__u64 mac, now;			/* destination MAC address; time in jiffies */
	__u32 ifindex;			/* device that received the packet */
	__u32 generation;		/* express_generation() before the pipeline starts */
	/* Length of the IP packet, and of the payload behind the IP header. */
	__u32 len, payload;
	__u8 ipv4;
	__u8 learn;			/* enum express_learns */
	__u8 is_data;			/* plain WireGuard data; only set if there are guards */
	/* Set by learn.h: whether the service has a guard, and whether the guard is strict. */
	__u8 guarded, strict;
};

struct pkt_state {
	/* run() clears the members up to `busy` for each packet. */
	/* Tag that allowed_remember() stores when the packet is sent; 0: none. */
	__u64 tag;
	/* Peer ids: the sender's in the lower half, the receiver's in the upper half; 0: none. */
	__u64 peers;
	__u32 fragment;			/* fragment_word() */
	/* XDP: LINK_XDP_SENDS_FRAGS if the packet spans several buffers. */
	__u32 frags;
	__be16 sport, dport;		/* 0 if the packet has no ports */
	/* enum reason: a pending fault, which counts only if the packet is ours. */
	__u16 held;
	/* tc: payload bytes of each fragment to be made; 0: the packet is not fragmented. */
	__u16 cut;
	__u8 family;			/* 0: no IP header has been parsed */
	/* An ICMP error: `quote` is set. src, dst and the ports are those of the quoted packet,
	 * with source and destination exchanged. */
	__u8 is_quote;
	__u8 has_service;		/* service is set */
	__u8 has_way;			/* flow.way is set */
	__u8 has_key;			/* flow.key is set */
	__u8 is_blind;			/* the packet is forwarded by the blind relay */
	__u8 generic;			/* the port runs XDP in generic mode */
	/* tc: the kernel's neighbour output sends the packet, and resolves or probes the next
	 * hop. */
	__u8 through_neighbour;
	/* The packet is between sites: it is counted for peers, and only its hop limit changes. */
	__u8 overlay;
	/* The packet is for a peer's address outside the overlay: only replies pass. */
	__u8 outside;
	__u8 silent;			/* no ICMP error may be sent about this packet */
	__u8 direction;
	__u8 bare;	/* tc: it came from an L3 device, without an Ethernet header */
	/* The state is in use by a packet. run() clears neither this member nor those below. */
	__u8 busy;
	/* Set by enter. */
	__u8 link_role;
	__u16 link_flags;		/* flags of the logical link on which the packet arrived */
	__u32 ifindex, sources;
	__u32 l3, l4;			/* offsets of the IP header and the UDP header */
	__u32 len;			/* length of the IP packet according to its header */
	/* tc, GSO: number of segments, and length of the longest one with its IP header. Otherwise
	 * 1 and len. */
	__u32 segments, segment_len;
	struct addr src, dst;
	__be32 datagram;		/* identification of a fragment */
	/* Sum of both addresses for the pseudo header, not folded. */
	__u64 pseudo;
	/* csum_compare() of the UDP checksum and the sum of the pseudo header. */
	__u64 partial;
	__u16 checksum;			/* UDP checksum; 0: none */
	__u8 ttl, tos;
	__be32 flowinfo;		/* IPv6: traffic class and flow label */
	__u8 leaves;			/* family with which the packet leaves */
	__u8 next;			/* relay: type of the header that follows the IPv6 header */
	__u8 check_at;			/* relay: offset of the checksum in the header at l4 */
	/* Set by find. */
	/* .to and .port replace the destination of an original, and the source of a reply. */
	struct service service;
	/* Set by resolve and leave. */
	__u32 out;			/* index of the next hop in nexthops; NO_SLOT: a tunnel */
	__u32 mtu;
	__u64 now;			/* jiffies */
	int judged;			/* result of the previous steps */
	int action;			/* the plane's action, set by send */
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
		__u8 bytes[40];		/* the header that is being inspected */
	} judge;			/* relay: a packet that is not plain UDP */
	/* Not reset for each packet: state of this CPU's rate limit of ICMP errors
	 * (icmp/send.h). */
	__u64 answers_until;
	struct express_work express;
};
#define NO_SLOT (~0U)
