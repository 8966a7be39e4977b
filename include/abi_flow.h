/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Flows: the clients of masquerading services, and how each of their packets is translated
 * (bpf/flow/). Part of abi.h.
 */
#ifndef WGXDP_ABI_FLOW_H
#define WGXDP_ABI_FLOW_H

/* A packet as it comes: an original goes from a client to a listener, a reply from the backend to
 * an address and port of ours. Network order. The family is the packet's own, so a flow's two keys
 * may have different ones. */
struct flow_key {
	struct addr src, dst;
	union {
		struct {
			__be16 sport, dport;
			__u8 family;
			__u8 direction;	/* enum direction */
			/* an original: the number of one of several backends; else 0 */
			__u16 backend;
		};
		__u64 word;
	};
};
_Static_assert(sizeof(struct flow_key) == 40, "five words");

/* A flow serves both directions. Network order where a packet has it. */
struct flow {
	/* the first cache line: what packets are compared with and leave with */
	struct addr client, local, own;	/* local: the listener's; own: ours at the backend */
	union {
		struct {		/* as in the original's key */
			__be16 client_port, local_port;
			__u8 client_family, original;	/* DIRECTION_ORIGINAL */
			__u16 number;	/* the backend's, if the service has several; else 0 */
		};
		__u64 original_word;
	};
	union {
		struct {		/* as in the reply's key, but delta */
			__be16 backend_port, own_port;
			__u8 family, reply;		/* DIRECTION_REPLY */
			/* checksum difference of an original's addresses: new - old, as in
			 * struct service */
			__u16 delta;
		};
		__u64 reply_word;
	};
	/* the second line */
	struct addr backend;
	/* by direction, as in struct total; approximate if several CPUs carry it */
	__u64 packets[2], bytes[2];
	__u32 ifindex;			/* of the listener's link */
	__u32 since;			/* when the backend answered first; in units */
	__u32 place;			/* of its word in flow_index: line * LEARNED_WAYS + way */
	__u16 id;			/* of the service */
	__u16 epoch;			/* in which its source's share counts it */
};
_Static_assert(sizeof(struct flow) == 128, "two cache lines");

/* flow_table: ARRAY, a table of abi_learned.h. A newcomer's flow is HALF: an embryo, which the
 * backend has not answered yet. An answered one is LIVE, or SPARE beyond its source's share.
 *
 * flow_index: ARRAY of lines, two for each bucket of flow_table. Its words are `tag << 32 | place`:
 * the tag of the reply's key, and the flow's place (bucket * LEARNED_WAYS + way). A free word is 0.
 * Only who has a flow BUSY writes or removes the word that names it.
 *
 * User space reads both by mmap. While programs run, they alone write. wgxdp_flow_end ends a
 * flow. */
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

/* What wgxdp_flow_end reads behind an Ethernet header, and the values that it returns */
struct flow_end {
	__u64 word;			/* as it was read */
	__u32 place;
	__u32 pad;
};
enum flow_ended { FLOW_ENDED, FLOW_CHANGED };

#define EMBRYO_SECONDS 15		/* longer than two retries of WireGuard */
#define EMBRYO_SHARE 256		/* of a source, at once and again in EMBRYO_SECONDS */

/* flow_shares: ARRAY. Each source (IPv4 address, IPv6 /64) has two cells by a secret hash; the
 * emptier one counts, for strangers may fill the other.
 * half: the time, in jiffies, up to which its share of embryos is used. An answered one is given
 *       back.
 * live: epoch:16 now:24 before:24, its LIVE flows that were used in this epoch and in the one
 *       before. An epoch is the longest time-out of the instance. Nothing is given back. */
#define FLOW_SHARES 65536
struct flow_share {
	__u64 live, half;
};

/* pools: ARRAY by the service's id: our addresses and ports, as which a masquerading service's
 * clients appear to the backend. User space writes it whole. If it takes an address or port away,
 * it ends the flows that have it. */
#define POOL_ADDRS 8
struct pool {
	__u16 first, last;		/* ports, in host order, both included */
	__u32 timeout;			/* of idle flows, in seconds */
	/* addresses in use; the first is the source for the backend's next hop */
	__u32 n4, n6;
	struct addr own4[POOL_ADDRS], own6[POOL_ADDRS];
	__u32 share;			/* LIVE flows that a source may have */
	__u32 epoch;			/* seconds: the longest time-out of all pools */
};

/* flow_totals: PERCPU_ARRAY by the service's id. Refused ones are in reasons: flows_full,
 * ports_exhausted, newcomer_limited, flow_contended. flows_deleted: ARRAY of __u64 by the same id,
 * those that user space ended; only user space uses it. Those that have expired, or were SPARE and
 * gave way: created - moved - deleted - those that are there. */
struct flow_total {
	__u64 created;			/* answered by the backend */
	__u64 unused;
	__u64 moved;			/* ended because the service has another backend */
};

#define FLOWS 262144			/* default number of flows, if its pool has so many ports */
#define FLOWS_MAX (1 << 22)		/* of an instance; its table takes 1.1 GB */
#define FLOW_SHARE 4096			/* default share of a source */
#define FLOW_TIMEOUT 300		/* seconds; above the 180 of a WireGuard session */
#define FLOW_TIMEOUT_MAX 32400		/* within LEARNED_LONGEST on each kernel */
#define FLOW_PORT_FIRST 20000
#define FLOW_PORT_LAST 60999

#endif
