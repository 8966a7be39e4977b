/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Flows: clients of masquerading services, and what each packet of theirs is translated to (bpf/flow/). Part of abi.h.
 */
#ifndef WGXDP_ABI_FLOW_H
#define WGXDP_ABI_FLOW_H

/* A packet as it comes: of the original's direction from a client to where a service listens, of the reply's from the backend to
 * an address and port of ours. In network order; the family is the packet's own, so the two keys of a flow may have different ones. */
struct flow_key {
	struct addr src, dst;
	__be16 sport, dport;
	__u8 family;
	__u8 direction;			/* enum direction */
	__u16 backend;			/* of an original of a service with several backends that one's number; else 0 */
};
_Static_assert(sizeof(struct flow_key) == 40, "no padding in a key");

/* flows: HASH, two entries a flow, one a direction, made together or not at all; half of the map's size is how many flows there
 * is room for. The other direction's key is flow_reverse(). User space may delete entries, the original's first, and may write
 * some that it read (.timer is not copied and `armed` is then to be 0: the data path arms them with the next packet, or wgxdp_flow_arm by its key).
 * `seen` and `since` are jiffies. */
struct flow {
	struct addr src, dst;		/* what it leaves with: of an original our address and the backend's, of a reply the
					 * listener's and the client's */
	__be16 sport, dport;
	__u16 delta;			/* checksum difference of both addresses: new - old, as in struct service */
	__u16 id;			/* of the service */
	__u64 seen;			/* when this direction's last packet was sent, a second more or less */
	__u64 packets, bytes;		/* of this direction, as in struct total; approximate if several CPUs carry it */
	__u64 since;			/* when the backend answered first */
	__u32 ifindex;			/* of the listener's link */
	__u8 family;			/* with which it leaves */
	__u8 armed;			/* the timer of the original's entry is */
	__u16 backend;			/* as in the original's key */
	struct bpf_timer timer;		/* of the original's direction: ends both when neither was seen for the service's time-out */
};

static inline struct flow_key flow_reverse(const struct flow_key *key, const struct flow *flow)
{
	return (struct flow_key){ .src = flow->dst, .dst = flow->src, .sport = flow->dport, .dport = flow->sport,
				  .family = flow->family, .direction = !key->direction,
				  .backend = key->direction == DIRECTION_REPLY ? flow->backend : 0 };
}

/* embryos: LRU_HASH, key of the reply's direction → who is waiting for that reply. It becomes a flow when the backend answers. */
#define EMBRYOS 16384
#define EMBRYO_SECONDS 15		/* longer than it takes WireGuard to try again, twice */
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

/* embryo_limits: LRU_HASH, client's address (IPv6: its /64) → the time, in jiffies, up to which it has used its share: as many as
 * EMBRYO_SHARE at once, and as many again in EMBRYO_SECONDS; each that is answered is given back. */
#define EMBRYO_SHARE 256

/* pools: ARRAY by the service's id: addresses of ours, and their ports, with which clients of a masquerading service are shown to
 * the backend. Written whole by user space; one that takes an address or port away from a pool deletes the flows that have it. */
#define POOL_ADDRS 8
struct pool {
	__u16 first, last;		/* ports, in host order, both included */
	__u32 timeout;			/* of idle flows, in seconds */
	__u32 n4, n6;			/* addresses in use; the first one is the source as which a backend's next hop is asked for */
	struct addr own4[POOL_ADDRS], own6[POOL_ADDRS];
};

/* flow_totals: PERCPU_ARRAY by the service's id. What is refused stands in reasons: flows_full, ports_exhausted, newcomer_limited.
 * Flows that there are: created - expired - moved - what user space has deleted (flows_deleted, ARRAY of __u64 by the same id, of
 * user space alone). */
struct flow_total {
	__u64 created, expired;
	__u64 moved;			/* ended because the service has another backend now */
};

#define FLOWS 262144			/* that there is room for by default */
#define FLOW_TIMEOUT 300		/* seconds; above the 180 of a WireGuard session */
#define FLOW_PORT_FIRST 20000
#define FLOW_PORT_LAST 60999

#endif
