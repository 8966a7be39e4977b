/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * struct pkt_state: all that the data path knows of a packet. It is the value of the map `states`,
 * one for each CPU, and every step reads and writes it there. It holds no pointers. The verifier
 * knows nothing about a number in a map, so paths that differ only in what they found out join
 * again; whoever indexes an array or reaches into the packet bounds the number there.
 */
#pragma once

#include "abi.h"
#include "blake2s.h"

struct fib_question {
	struct addr src, dst;
	__be16 sport, dport;
	__u32 ifindex;			/* the link that the packet comes in by */
	__u32 slot;			/* where in nexthops the answer goes */
	__u32 family;
};

/* A walk over IPv4 options or IPv6 extension headers (extensions.h). Offsets count from `from`. */
struct walk {
	__u32 from;			/* where the IP header is */
	__u32 off;			/* the next header; at the end the header behind all of them */
	__u32 piece;			/* where the payload of a fragment begins; 0: no fragment */
	__u32 type;			/* of the header at off; of a later fragment IPPROTO_FRAGMENT */
};

/* An ICMP error and the packet that it quotes (icmp/) */
struct quote {
	struct addr from;		/* who sent the error */
	struct addr src, dst;		/* of the quoted packet */
	union {
		struct addr to;		/* replaces src (original direction) or dst */
		__u8 fragment[8];	/* before, and with flows: IPv6's fragment header in the quote, or 0 */
	};
	__be16 sport, dport, to_port;
	__u8 original, family;
	__u32 ip_at, icmp_at, inner_at, udp_at;	/* where the headers lay when they were read */
	/* the headers, as they came and then as they leave */
	__u8 outer[40], inner[40];	/* IP, without options */
	__u8 icmp[8], udp[8];
};

enum flow_newness { FLOW_KNOWN, FLOW_NEWCOMER, FLOW_MOVES, FLOW_ANSWERED };

/* A packet of a flow, of a newcomer, or of the blind relay (flow/) */
struct flow_work {
	struct flow_key key;		/* as it came; of an error: its quote, turned round */
	struct flow_way {		/* as it leaves */
		struct addr src, dst;
		__be16 sport, dport;
		__u16 delta;		/* checksum difference of both addresses */
		__u8 family;
		__u8 is_new;		/* enum flow_newness: what to do when it is sent */
	} way;
	__u32 id, ifindex;		/* of service and listener's link; of the blind relay: from */
	__u32 backend;			/* its number; of the blind relay: to */
	struct flow_across {		/* where it leaves in the other family (flow/across.h) */
		__u32 payload, head;	/* bytes behind the header, and of the header itself */
		__u16 fragment;		/* fragment_offset() */
		__u8 tos, ttl;
		__u32 no_checksum;	/* its UDP header has none */
		__u8 bytes[48];		/* the new header */
		__u32 kind, word;	/* of an ICMP error: type << 8 | code, and its second word, host order */
		__u8 inner[40];		/* and the header that it quotes */
	} across;
	/* a flow or embryo in the making */
	struct flow_key other;		/* the other direction's key */
	struct embryo embryo;
	__u8 value[sizeof(struct flow)];	/* bytes, or the kernel would look for a timer here */
	__u64 now, start;
	__u32 share;			/* the source's share has been asked for */
	int answer;
};

/* A message that the guard or the blind relay looks at (guard/) */
struct guard_work {
	int says;			/* 0, or the reason for which the guard ends the packet */
	__u32 remember;			/* a handshake message, to be remembered when it is sent */
	__u32 id, place;		/* keys of arrays: the service's id, and others */
	__u64 now, ns, hash;
	struct client_key client;	/* who sent it, or whom it is for */
	__u32 kind;			/* enum message; 0: none */
	__u32 backend;			/* number of the service's backend that it is for, or from */
	__le32 index;			/* the backend's index: receiver of an original, sender of a reply */
	__u32 known;			/* the backend has answered the client */
	__u32 failed;			/* it has not, and the client sent a wrong mac1 lately */
	__u32 original;
	int answer;
	__u32 key, tried;		/* place of the first key, and how many were tried */
	__u32 row, turn;		/* of replays: which row, and which entry of it is used */
	__u32 segments, payload, len, end, junk;	/* of the packet: see guard/message.h */
	__u32 indices;			/* segments with another index than the first one's */
	struct addr local;		/* where an original was sent to */
	__u32 ifindex;
	__be16 local_port;
	__u8 message[160];		/* an initiation or response, from its type on */
	struct blake2s_work work[2];	/* the two blocks of an initiation, or the one of a response */
	struct guard_source source;
	struct answered answered;
	struct index_key index_key;
};

/* A packet for the blind relay (blind/) */
struct blind_work {
	__u64 now;
	__u32 from, to;			/* sites */
	__le32 index, receiver;		/* sender's and receiver's; of data and cookies index is the receiver's */
	__u32 waits;			/* its site is not known yet */
	__u32 make;			/* enum message: something is to be learnt when it is sent */
	__u64 key, value;		/* what is to be written */
	__u32 home[2], pair;		/* keys of maps */
	__u32 site, first, single;	/* whose key is tried, the first one, and whether it is the only one */
	int answer;
};

struct pkt_state {
	/* run() clears these for each packet */
	__u64 tag;			/* to be remembered in allowed when it is sent; 0: nothing is */
	__u64 peers;			/* ids: sender's in the lower half, receiver's in the upper; 0: none */
	__u32 fragment;			/* fragment_word() */
	__u32 frags;			/* XDP: LINK_XDP_SENDS_FRAGS where it lies in several buffers */
	__be16 sport, dport;		/* 0 where the packet has none */
	__u16 held;			/* enum reason: a fault that counts if the packet is ours */
	__u16 cut;			/* tc: bytes behind the IP header of each piece; 0: it is not cut */
	__u8 family;			/* 0: no IP header was read */
	__u8 is_quote;			/* an ICMP error: quote has it, and src, dst, ports are the quote's, turned round */
	__u8 has_service;		/* service is classify's answer */
	__u8 has_way;			/* flow.way says as what it leaves */
	__u8 has_key;			/* flow.key is to be looked up in flows */
	__u8 is_blind;			/* it is the blind relay's */
	__u8 generic;			/* XDP runs in generic mode on the port */
	__u8 through_neighbour;		/* tc: the kernel's neighbour output sends it, which resolves and probes */
	__u8 overlay;			/* for a site: its peers count it, and nothing is rewritten */
	__u8 outside;			/* for a peer's own address, outside of the overlay: only answers pass */
	__u8 silent;			/* no error may be sent about it */
	__u8 direction;
	__u8 bare;			/* tc: from an L3 device, without an Ethernet header */
	__u8 busy;			/* a packet is on its way on this CPU; not cleared, as all below */
	/* enter */
	__u8 link_role;
	__u16 link_flags;		/* of the logical link that it came in by */
	__u32 ifindex, sources;
	__u32 l3, l4;			/* offsets of the IP and UDP headers */
	__u32 len;			/* of the IP packet, by its own header */
	__u32 segments, segment_len;	/* tc, GSO: how many, and the L3 length of the longest; else 1 and len */
	struct addr src, dst;
	__u64 pseudo;			/* sum of both for the pseudo header, not folded */
	__u64 partial;			/* csum_compare() of UDP's checksum with the pseudo header's */
	__u16 checksum;			/* UDP's; 0: none */
	__u8 ttl, tos;
	__u8 leaves;			/* the family in which it leaves */
	__u8 next;			/* relay: type of the header behind IPv6's own */
	__u8 check_at;			/* relay: offset of the checksum in the header at l4 */
	/* find */
	struct service service;		/* .to and .port replace an original's destination, a reply's source */
	/* resolve, leave */
	__u32 out;			/* slot in nexthops of the way out; NO_SLOT: a tunnel's */
	__u32 mtu;
	int judged;			/* what the steps before came to */
	int action;			/* what send gave */
	struct fib_question question;
	struct flow_work flow;
	/* what fewer packets need */
	struct guard_work guard;
	struct blind_work blind;
	struct walk walk;
	struct quote quote;
	struct {
		struct choice_key key;
		struct choice value;
	} choice;
	struct {
		struct fragment_key key;
		struct fragment value;
	} datagram;			/* of a fragment */
	struct {
		__u32 end;		/* of the IP packet */
		__u8 bytes[40];		/* the header that is being read */
	} judge;			/* relay: a packet that is no plain UDP */
};
#define NO_SLOT (~0U)
