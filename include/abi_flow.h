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
	__be16 sport, dport;
	__u8 family;
	__u8 direction;			/* enum direction */
	/* of an original, if the service has several backends: its number; else 0 */
	__u16 backend;
};
_Static_assert(sizeof(struct flow_key) == 40, "no padding in a key");

/* flows: HASH, two entries a flow (one a direction), made together or not at all; the map has
 * places for half as many flows. flow_reverse() gives the other direction's key. User space may
 * delete entries, the original's first. It may write entries that it read: .timer is not copied,
 * `armed` must be 0, and the next packet arms them, or wgxdp_flow_arm by the key. `seen` and
 * `since` are jiffies. */
struct flow {
	/* as it leaves: an original with our address and the backend's, a reply with the listener's
	 * and the client's */
	struct addr src, dst;
	__be16 sport, dport;
	/* checksum difference of both addresses: new - old, as in struct service */
	__u16 delta;
	__u16 id;			/* of the service */
	/* when this direction's last packet was sent, to a second */
	__u64 seen;
	/* of this direction, as in struct total; approximate if several CPUs carry it */
	__u64 packets, bytes;
	__u64 since;			/* when the backend answered first */
	__u32 ifindex;			/* of the listener's link */
	__u8 family;			/* with which it leaves */
	__u8 armed;			/* the timer of the original's entry is */
	__u16 backend;			/* as in the original's key */
	/* of the original's entry: ends both when neither was seen for the service's time-out */
	struct bpf_timer timer;
};

static inline struct flow_key flow_reverse(const struct flow_key *key, const struct flow *flow)
{
	return (struct flow_key){
		.src = flow->dst, .dst = flow->src, .sport = flow->dport, .dport = flow->sport,
		.family = flow->family, .direction = !key->direction,
		.backend = key->direction == DIRECTION_REPLY ? flow->backend : 0,
	};
}

/* embryos (half-open flows): LRU_HASH, the reply's key -> the client that waits for that reply. It
 * becomes a flow when the backend answers. */
#define EMBRYOS 16384
#define EMBRYO_SECONDS 15		/* longer than two retries of WireGuard */
struct embryo {
	struct addr client, local;	/* the original's source and destination */
	__be16 client_port, local_port;
	__u16 id;			/* of the service */
	__u8 family;			/* the client's */
	__u8 backend;			/* its number */
	__u32 ifindex;			/* of the listener's link */
	__u32 pad1;
	__u64 until;			/* good before this, in jiffies */
};

/* embryo_limits: LRU_HASH, a client's address (IPv6: its /64) -> the time, in jiffies, up to which
 * it has used its share: EMBRYO_SHARE at once, and as many again in EMBRYO_SECONDS. An answered one
 * is given back. */
#define EMBRYO_SHARE 256

/* pools: ARRAY by the service's id: our addresses and ports, as which a masquerading service's
 * clients appear to the backend. User space writes it whole. If it takes an address or port away,
 * it deletes the flows that have it. */
#define POOL_ADDRS 8
struct pool {
	__u16 first, last;		/* ports, in host order, both included */
	__u32 timeout;			/* of idle flows, in seconds */
	/* addresses in use; the first is the source for the backend's next hop */
	__u32 n4, n6;
	struct addr own4[POOL_ADDRS], own6[POOL_ADDRS];
};

/* flow_totals: PERCPU_ARRAY by the service's id. Refused ones are in reasons: flows_full,
 * ports_exhausted, newcomer_limited. Present flows: created - expired - moved - those that user
 * space deleted (flows_deleted, ARRAY of __u64 by the same id, which only user space uses). */
struct flow_total {
	__u64 created, expired;
	__u64 moved;			/* ended because the service has another backend */
};

#define FLOWS 262144			/* default number of flows */
#define FLOW_TIMEOUT 300		/* seconds; above the 180 of a WireGuard session */
#define FLOW_PORT_FIRST 20000
#define FLOW_PORT_LAST 60999

#endif
