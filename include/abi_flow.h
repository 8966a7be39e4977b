/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Flows: the state of a masquerading service. For each client, a flow maps the client's address and
 * port to an address and port of ours. The backend sees only ours, and its replies are mapped back.
 * The programs in bpf/flow/ write flows; user space shows and ends them. Part of abi.h.
 */
#ifndef WGXDP_ABI_FLOW_H
#define WGXDP_ABI_FLOW_H

/* The addresses and ports of a packet as it arrives. An original goes from a client to a listener;
 * a reply goes from the backend to our address and port. All fields of a packet are in network byte
 * order. The family is the packet's own, so the two keys of a flow may have different families. */
struct flow_key {
	struct addr src, dst;
	union {
		struct {
			__be16 sport, dport;
			__u8 family;
			__u8 direction;	/* enum direction */
			/* Original: number of the backend, if the service has several; otherwise
			 * 0. */
			__u16 backend;
		};
		__u64 word;
	};
};
_Static_assert(sizeof(struct flow_key) == 40, "five words");

/* A flow serves both directions. Fields that a packet has are in network byte order. */
struct flow {
	/* First cache line: the values that packets are compared with and rewritten to. */
	/* local: the listener's address; own: our address towards the backend. */
	struct addr client, local, own;
	union {
		struct {		/* as in the key of the original */
			__be16 client_port, local_port;
			__u8 client_family, original;	/* DIRECTION_ORIGINAL */
			/* Number of the backend, if the service has several; otherwise 0. */
			__u16 number;
		};
		__u64 original_word;
	};
	union {
		struct {		/* as in the key of the reply, except for delta */
			__be16 backend_port, own_port;
			__u8 family, reply;		/* DIRECTION_REPLY */
			/* Change of the checksum when an original's addresses are rewritten: new -
			 * old, as in struct service. */
			__u16 delta;
		};
		__u64 reply_word;
	};
	/* Second cache line. */
	struct addr backend;
	/* By direction, as in struct total. The counts are approximate if several CPUs carry the
	 * flow. */
	__u64 packets[2], bytes[2];
	__u32 ifindex;			/* logical link of the listener */
	__u32 since;	/* time of the backend's first answer, in units (abi_learned.h) */
	__u32 place;	/* place of the flow's word in flow_index: line * LEARNED_WAYS + way */
	__u16 id;			/* service id */
	__u16 epoch;	/* last epoch in which the flow counted for its source */
};
_Static_assert(sizeof(struct flow) == 128, "two cache lines");

/* flow_table: ARRAY of struct flow_bucket, a table as in abi_learned.h. A new flow is HALF
 * (half-open) until the backend answers. After the answer the flow is LIVE, or SPARE if its source
 * has more flows than its share.
 *
 * flow_index: ARRAY of struct learned_line, two lines for each bucket of flow_table. A word is `tag
 * << 32 | place`: the tag of the reply's key, and the place of the flow (bucket * LEARNED_WAYS +
 * way). A free word is 0. Only the program that holds a flow BUSY may write or remove the word that
 * names it.
 *
 * User space reads both maps through mmap(). While the programs run, only they write. To end a
 * flow, user space runs the program wgxdp_flow_end. */
struct flow_bucket {
	struct learned_line line;
	struct flow flow[LEARNED_WAYS];
};

static inline struct flow_key flow_key_of(const struct flow *f, __u8 direction)
{
	if (direction == 0)
		return (struct flow_key){ .src = f->client, .dst = f->local,
					  .sport = f->client_port, .dport = f->local_port,
					  .family = f->client_family, .backend = f->number };
	return (struct flow_key){ .src = f->backend, .dst = f->own, .sport = f->backend_port,
				  .dport = f->own_port, .family = f->family, .direction = 1 };
}

/* Input of the program wgxdp_flow_end, which user space puts behind an Ethernet header. */
struct flow_end {
	__u64 word;			/* the flow's word in flow_table, as it was read */
	__u32 place;
	__u32 pad;
};
enum flow_ended { FLOW_ENDED, FLOW_CHANGED };

/* Validity of a half-open flow: longer than two retries of a WireGuard handshake. */
#define HALF_OPEN_SECONDS 15
/* Share of half-open flows of a source: so many at once, and so many in each HALF_OPEN_SECONDS.
 * Half-open flows beyond the share are valid for HALF_OPEN_BRIEF seconds, so new flows displace
 * them first. wgxdp does not refuse them, because an attacker who forges the source can use up the
 * share. */
#define HALF_OPEN_SHARE 256
#define HALF_OPEN_BRIEF 2

/* flow_shares: ARRAY of struct flow_share, which limits the flows of a source of one service. A
 * source is an IPv4 address, or an IPv6 /64, /56 and /48. A secret hash selects two cells for each
 * of these prefixes. Only the emptier cell limits the prefix, because other prefixes may fill one
 * of the cells.
 * - half: state of the share of half-open flows, in jiffies. An answered flow gives its charge
 *   back.
 * - live: three fields, epoch:16 now:24 before:24. now and before count the source's LIVE flows
 *   that were used in this epoch and in the previous epoch. An epoch is as long as the longest
 *   timeout of all services. Flows that end are not subtracted. */
#define FLOW_SHARES 65536
struct flow_share {
	__u64 live, half;
};

/* pools: ARRAY, indexed by the service's id: our addresses and ports, as which the backend sees the
 * clients of a masquerading service. User space writes it. When it removes an address or port, it
 * also ends the flows that use it. */
#define POOL_ADDRS 8
struct pool {
	__u16 first, last;	/* ports of ours in host order, from first to last */
	__u32 timeout;			/* seconds without packets after which a flow ends */
	/* Addresses per family. A family's first one is the source of FIB lookups for the
	 * backend. */
	__u32 n4, n6;
	struct addr own4[POOL_ADDRS], own6[POOL_ADDRS];
	__u32 share;	/* most LIVE flows of an IPv4 address, or of an IPv6 /64, /56 or /48 */
	__u32 epoch;	/* seconds of an epoch: the longest timeout of all pools */
};

/* flow_totals: PERCPU_ARRAY of struct flow_total, indexed by the service's id. Refused flows are
 * counted in the map reasons: flows_full, ports_exhausted, newcomer_limited, flow_contended.
 *
 * flows_deleted: ARRAY of __u64, indexed by the service's id: flows that a command deleted. Only
 * user space uses it.
 *
 * The number of flows that expired or were displaced is: created - moved - deleted - present. */
struct flow_total {
	__u64 created;			/* flows that the backend answered */
	__u64 unused;
	__u64 moved; /* flows that ended because the service got another backend */
};

#define FLOWS 262144	/* default limit of flows, unless the pool has fewer ports */
#define FLOWS_MAX (1 << 22)	/* most flows of an instance; their table takes 1.1 GB */
/* Default share of one source, in flows: the lesser of FLOW_SHARE and the pool divided by
 * FLOW_SHARE_PART. */
#define FLOW_SHARE 4096
#define FLOW_SHARE_PART 16
/* Default timeout of a flow, in seconds: above the 180 of a WireGuard session. */
#define FLOW_TIMEOUT 300
/* Longest time between two extensions of a flow in use, in seconds. */
#define FLOW_STEP_SECONDS 8
/* Longest timeout, in seconds: below LEARNED_LONGEST with every kernel's HZ. */
#define FLOW_TIMEOUT_MAX 32400
#define FLOW_PORT_FIRST 20000
#define FLOW_PORT_LAST 60999

#endif
