/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Where the data path keeps of one packet what its stack has no room for. No state: each is PERCPU_ARRAY of one, and used
 * between two steps. Part of abi.h.
 */
#ifndef WGXDP_ABI_SCRATCH_H
#define WGXDP_ABI_SCRATCH_H

#include "blake2s.h"

/* quotes: an ICMP error, whose quote is what makes it ours (bpf/icmp.h) */
struct quote {
	struct addr from;		/* who sent the error */
	struct addr src, dst;		/* of the packet that it quotes */
	union {
		struct addr to;		/* what src (of an original's direction) or dst is rewritten to */
		__u8 fragment[8];	/* until then, and of flows: the first fragment's header that IPv6 quotes, or 0 */
	};
	__be16 sport, dport, to_port;
	__u8 original, family;
	__u32 ip_at, icmp_at, inner_at, udp_at;	/* where the headers lay in the packet when they were read */
	/* the headers, as they came and as they leave */
	__u8 outer[40], inner[40];	/* IP, without options */
	__u8 icmp[8], udp[8];
};

/* pieces: a packet that is cut, from the first piece to the last (bpf/cut.h) */
#define PIECES_LEN 16000		/* of what is cut, without its IP header */
#define PIECE_MAX 15360
#define PIECE_ROOM 16384		/* the next power of 2 */
struct pieces {
	__u32 l3, header;		/* where its IP header is, and how long, in pieces */
	__u32 shift;			/* of that, what a whole packet lacks: IPv6's header for fragments */
	__be32 ident;			/* of IPv6 that came as IPv4 */
	__u32 len, step, rest;		/* behind it: of all, of each piece but the last, and what has not left yet */
	__u32 first_alone;		/* the first piece becomes the packet, and nothing else leaves */
	__u32 ifindex;			/* by which they leave */
	__u32 frag_off;			/* as it came, in host order; in IPv6 with the bits below it */
	__u64 sum;
	__u32 option, option_goes, option_delta;	/* where the next one is; whether this one becomes none; what that does to the sum */
	__u8 ip[2][64];			/* the header of the first piece, and that of the others */
	__u8 stash[PIECES_LEN + PIECE_ROOM];	/* what is behind it; more than is used, for the verifier */
};

/* judged: of a packet between sites that is no plain UDP what bpf/judge.h found */
struct judged {
	__u64 tag;			/* under which it is to be remembered in allowed; 0: it is not */
	__u64 partial;			/* of TCP, as in struct pkt */
	__u32 end;			/* of the IP packet */
	__u32 l4;			/* offset of its upper layer's header, or of a later fragment's piece, from the IP header */
	__u32 fragment;			/* likewise of the piece behind a fragment header; 0: no fragment */
	__be16 sport, dport;		/* or what stands for them */
	__u16 checksum, check_at;	/* of TCP, and where behind l4 it is; else 0 */
	__u32 silent;			/* no error may be sent about it */
	__u8 bytes[40];			/* the header that is being read */
};

/* flow_scratch: a packet of a flow, or of a newcomer */
struct flow_scratch {
	struct service service;		/* what it was classified as, wherever in the table that stands */
	struct flow_key key;		/* as it came; of an error: what it quotes, turned round */
	struct flow_way {		/* as it leaves */
		struct addr src, dst;
		__be16 sport, dport;
		__u16 delta;		/* checksum difference of both addresses */
		__u8 family;
		__u8 is_new;		/* enum flow_newness: what is to be done when it is sent */
	} way;
	__u32 id, ifindex;		/* of service and listener's link */
	__u32 backend;			/* its number, of services with several */
	struct flow_across {		/* where it leaves in the other family (bpf/across.h) */
		__u32 payload, head;	/* bytes behind the header, and of the header, with IPv6's for fragments */
		__u16 fragment;		/* as in IPv6's header, in host order: offset, and 1 where more follow; 0: whole */
		__u8 tos, ttl;
		__u32 no_checksum;	/* its UDP header has none */
		__u8 bytes[48];		/* the header */
		__u32 kind, word;	/* of an ICMP error: type and code, and what follows the checksum, in host order */
		__u8 inner[40];		/* and the header that it quotes */
	} across;
	/* what of it is being made */
	struct flow_key other;		/* the other direction's key */
	struct embryo embryo;
	__u8 value[sizeof(struct flow)];	/* struct flow, without a timer that the kernel would look for here */
	__u64 now, start;
	__u32 share;			/* whether the source's share has been asked for */
	int answer;
};
/* guard_scratch: a packet in programs with a guard */
struct guard_scratch {
	int says;			/* 0, or the reason for which the guard ends it, if nothing else does before */
	__u32 remember;			/* a handshake message, which is to be remembered when it is sent */
	__u32 id, place, zero;		/* keys of arrays: the service's, and others */
	__u64 now, ns, hash;
	struct client_key client;	/* who sent it, or whom it is for */
	__u32 kind;			/* enum message; 0: none */
	__u32 backend;			/* number of the service's backend that it is for, or from */
	__le32 index;			/* of what goes to the backend the receiver's; of what it sends its own */
	__u32 known;			/* the backend has answered the client */
	__u32 failed;			/* no: and it has been wrong lately */
	__u32 original;
	int answer;
	__u32 key, tried;		/* place of the first key, and how many were tried */
	__u32 row, turn;		/* of replays; and which one of these the initiation is, or becomes */
	__u32 segments, payload, len, end, junk;	/* of the packet: see message.h */
	__u32 indices;			/* segments with another index than the first one's */
	struct addr local;		/* where an original was sent to */
	__u32 ifindex;
	__be16 local_port;
	__u16 pad;
	__u8 message[160];		/* an initiation or response, from its type on */
	struct blake2s_work work[2];	/* for the two blocks of an initiation, or the one of a response */
	struct table_key table_key;
	struct guard_source source;
	struct answered answered;
	struct index_key index_key;
};

/* blind_scratch: a packet for the blind relay */
struct blind_scratch {
	__u64 now;
	__u32 from, to;			/* sites */
	__le32 index, receiver;		/* the sender's, or of data and cookies the receiver's; of a response the receiver's */
	__u32 waits;			/* it is for a site that is not known yet */
	__u32 make;			/* a handshake message, of which something is to be learnt when it is sent */
	__u64 key, value;		/* what is to be written */
	__u32 home[2], zero, pair;
	__u32 first, single;		/* the first site whose key is tried; and the only one */
	int answer;
};

enum flow_newness { FLOW_KNOWN, FLOW_NEWCOMER, FLOW_MOVES, FLOW_ANSWERED };

#endif
