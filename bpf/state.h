/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * struct pkt_state: all that the steps know about a packet. It is the value of the per-CPU map
 * `states`; every step reads and writes it there. The openings of headers call it s. pkt.h includes
 * this file.
 *
 * It holds no pointers. A number in a map is unknown to the verifier, so paths that found out
 * different things join again. A step bounds a number where it indexes an array or reaches into the
 * packet.
 */
#pragma once

#include "abi.h"
#include "blake2s.h"

/* The question that resolve asks the FIB (fib.h) */
struct fib_question {
	struct addr src, dst;
	__be16 sport, dport;
	__u32 ifindex;			/* where the packet came in */
	__u32 slot;			/* in nexthops, for the answer */
	__u32 family;
};

/* A walk over IPv4 options or IPv6 extension headers (extensions.h). Offsets count from `from`. */
struct walk {
	__u32 from;			/* offset of the IP header */
	/* the next header; at the end, the first header behind them all */
	__u32 off;
	__u32 piece;			/* start of a fragment's payload; 0: no fragment */
	/* of the header at off; in a later fragment IPPROTO_FRAGMENT */
	__u32 type;
};

/* An ICMP error and the packet that it quotes (icmp/) */
struct quote {
	struct addr from;		/* the error's sender */
	struct addr src, dst;		/* of the quoted packet */
	union {
		struct addr to;		/* replaces src (original direction) or dst */
		/* before that, and in flows: the quote's IPv6 fragment header, or 0 */
		__u8 fragment[8];
	};
	__be16 sport, dport, to_port;
	__u8 original, family;
	__u32 ip_at, icmp_at, inner_at, udp_at;	/* offsets in the packet as it came */
	/* the headers, first as they came and then as they leave */
	__u8 outer[40], inner[40];	/* IP, without options */
	__u8 icmp[8], udp[8];
};

/* How flow_commit() treats the packet's flow */
enum flow_newness { FLOW_KNOWN, FLOW_NEWCOMER, FLOW_MOVES, FLOW_ANSWERED };

/* A packet of a flow, of a new client, or of the blind relay (flow/) */
struct flow_work {
	/* the packet as it came; for an error, its quote turned round */
	struct flow_key key;
	struct flow_way {		/* the packet as it leaves */
		struct addr src, dst;
		__be16 sport, dport;
		__u16 delta;		/* checksum difference of both addresses */
		__u8 family;
		__u8 is_new;		/* enum flow_newness */
	} way;
	/* of the service, and of the listener's link; blind relay: sender's site */
	__u32 id, ifindex;
	__u32 backend;			/* its number; blind relay: receiver's site */
	struct flow_across {		/* the header in the other family (flow/across.h) */
		__u32 payload, head;	/* length behind the new header, and of the header itself */
		__u16 fragment;		/* fragment_offset() */
		__u8 tos, ttl;
		__u32 no_checksum;	/* its UDP checksum is 0 */
		__u8 bytes[48];		/* the new header */
		/* for an ICMP error: type << 8 | code, and its second word in host order */
		__u32 kind, word;
		__u8 inner[40];		/* and the quoted header */
	} across;
	/* the flow's place and word (flow/find.h) */
	__u64 word;
	__u32 place;
	__u32 is_found;			/* there is one under the key; its time may be over */
	__u64 hash;			/* of the key */
	__u64 now, units;		/* jiffies, and the units of abi_learned.h */
	struct flow made;		/* a flow that is being made */
	/* while a port is sought: the candidates' seed, and the number of the one that is tried */
	__u64 start;
	__u32 tries;
	/* of the flows with a port that was tried, the one that gives way first */
	__u32 yields_place, yields_try;
	__u64 yields_word, yields_rank;
	int answer;
};

/* A WireGuard message that the guard or the blind relay examines (guard/) */
struct guard_work {
	int says;			/* 0, or the reason with which the guard ends the packet */
	__u32 remember;			/* a handshake message: guard_make() when it is sent */
	__u32 id, place;		/* the service's id; another array's key */
	__u64 now, hash;
	struct client_key client;	/* the client: sender of an original, receiver of a reply */
	__u32 kind;			/* enum message; 0: none */
	/* number of the service's backend that receives or sends it */
	__u32 backend;
	/* the backend's: receiver index of an original, sender index of a reply */
	__le32 index;
	__u32 known;			/* a backend has answered the client */
	__u32 counts;			/* so it has, and this message counts as the client's */
	__u32 proven;			/* it has a cookie that only its source was sent */
	__u32 failed;			/* enum failed_kind */
	__u32 original;
	int answer;
	__u32 key, tried;		/* place of the first key, and how many keys were tried */
	__u32 row, turn;		/* place in replays, and the entry to use there */
	/* where it lies in the packet: guard/message.h */
	__u32 segments, payload, len, end, junk;
	__u32 indices;			/* segments whose index differs from the first one's */
	struct addr local;		/* destination of an original */
	__u32 ifindex;
	__be16 local_port;
	__u8 message[160];		/* an initiation or response, from its type on */
	/* the two blocks of an initiation, or the one of a response */
	struct blake2s_work work[2];
};

/* An entry that learned_entry.h finds, writes, or takes from */
struct learned_work {
	union learned_key key;
	union learned_value value, is;	/* to be written; as it was found */
	__u64 hash, other;		/* of the key, for the first and the second home */
	__u64 word;			/* of the entry's place, when it was read */
	__u64 now, until;		/* in units of abi_learned.h */
	__u64 ticks, each, burst;	/* a limit: now, and what limit_take() is told */
	__u32 place;
	__u32 state;			/* enum learned_state */
	__u32 sought;			/* words are copied, and ranked */
	/* while a place is sought (learned.h): both homes' words; the best one's way, rank, word */
	__u64 words[2 * LEARNED_WAYS];
	__u64 way, rank, was;
};

/* A packet for the blind relay (blind/) */
struct blind_work {
	__u64 now;
	__u32 from, to;			/* site numbers */
	/* the sender's, the receiver's; in data and cookies index is the receiver's */
	__le32 index, receiver;
	__u32 waits;			/* the receiving site's place is unknown yet */
	__u32 make;			/* enum message: what blind_commit() learns */
	__u64 key, value;		/* to be written */
	/* what is to be removed: who gave the index out; also if it is confirmed */
	__u32 origin, even;
	__u32 home[2], pair;		/* map keys */
	/* the site whose key is tried, the first one, and whether there are no more */
	__u32 site, first, single;
	__u32 last;			/* struct blind_site .last of the sender is tried */
	int answer;
};

/* What the express path reads of a packet, and then learns about it (express/) */
struct express_work {
	struct express_key key;		/* of the packet as it came */
	__u64 mac, now;			/* destination MAC; jiffies */
	__u32 ifindex;			/* of the device that received it */
	__u32 generation;		/* express_generation() before the pipeline begins */
	__u32 len, payload;		/* of the IP packet, and behind the IP header */
	__u8 ipv4;
	__u8 learn;			/* enum express_learns */
	__u8 is_data;			/* plain data of WireGuard; only with guards */
	/* set by learn.h: the guard asks for data; and for a client that it knows */
	__u8 guarded, strict;
};

struct pkt_state {
	/* run() clears these for each packet */
	/* for allowed_remember() when the packet is sent; 0: none */
	__u64 tag;
	/* ids: the sender's in the lower half, the receiver's in the upper; 0: none */
	__u64 peers;
	__u32 fragment;			/* fragment_word() */
	/* XDP: LINK_XDP_SENDS_FRAGS if the packet lies in several buffers */
	__u32 frags;
	__be16 sport, dport;		/* 0 if the packet has none */
	/* enum reason: a fault that counts only if the packet is ours */
	__u16 held;
	/* tc: bytes behind the IP header of each piece; 0: not cut */
	__u16 cut;
	__u8 family;			/* 0: no IP header was read */
	/* an ICMP error: see quote; src, dst and ports are the quote's, turned round */
	__u8 is_quote;
	__u8 has_service;		/* service is set */
	__u8 has_way;			/* flow.way is set */
	__u8 has_key;			/* flow.key is set */
	__u8 is_blind;			/* the blind relay forwards it */
	__u8 generic;			/* XDP runs in generic mode on the port */
	/* tc: the kernel's neighbour output sends it, which resolves and probes */
	__u8 through_neighbour;
	/* to a site: counted for peers, and only the hop limit changes */
	__u8 overlay;
	/* to a peer's own address outside the overlay: only answers pass */
	__u8 outside;
	__u8 silent;			/* no ICMP error may be sent about it */
	__u8 direction;
	__u8 bare;			/* tc: came from an L3 device, without an Ethernet header */
	/* a packet is on its way on this CPU; not cleared, nor is anything below */
	__u8 busy;
	/* set by enter */
	__u8 link_role;
	__u16 link_flags;		/* of the logical link where it came in */
	__u32 ifindex, sources;
	__u32 l3, l4;			/* offsets of the IP and UDP headers */
	__u32 len;			/* of the IP packet, as its header says */
	/* tc, GSO: their number, and the longest one's L3 length; else 1 and len */
	__u32 segments, segment_len;
	struct addr src, dst;
	__be32 datagram;		/* a fragment's identification */
	/* both addresses' part of the pseudo header's sum, not folded */
	__u64 pseudo;
	/* csum_compare() of the UDP checksum and the pseudo header's sum */
	__u64 partial;
	__u16 checksum;			/* UDP's; 0: none */
	__u8 ttl, tos;
	__be32 flowinfo;		/* IPv6: traffic class and flow label */
	__u8 leaves;			/* family in which it leaves */
	__u8 next;			/* relay: type of the header behind the IPv6 header */
	__u8 check_at;			/* relay: offset of the checksum in the header at l4 */
	/* set by find */
	/* .to and .port replace an original's destination, a reply's source */
	struct service service;
	/* set by resolve and leave */
	__u32 out;			/* slot of the next hop in nexthops; NO_SLOT: a tunnel */
	__u32 mtu;
	__u64 now;			/* jiffies */
	int judged;			/* what the steps before returned */
	int action;			/* the plane's action, as send returned it */
	struct fib_question question;
	struct flow_work flow;
	/* for the few packets that need it */
	struct guard_work guard;
	struct blind_work blind;
	struct walk walk;
	struct quote quote;
	struct learned_work learned;
	struct {
		__u32 end;		/* of the IP packet */
		__u8 bytes[40];		/* the header that is read */
	} judge;			/* relay: a packet that is not plain UDP */
	/* stays from packet to packet: up to when this CPU has used its limit of ICMP errors
	 * (icmp/send.h) */
	__u64 answers_until;
	struct express_work express;
};
#define NO_SLOT (~0U)
