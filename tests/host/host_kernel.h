/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The kernel helpers for the host plane. A test fills the table of routes and neighbours, and sets
 * the clock.
 */
#pragma once

#include "pkt.h"

HOST_SHARED __u64 host_jiffies = 1 << 20;

INLINE __u64 bpf_jiffies64(void)
{
	return host_jiffies;
}

HOST_SHARED int signals;		/* writes to the ring buffer are counted here */
HOST_SHARED __u32 host_n_signals;

static inline long bpf_ringbuf_output(void *ring, void *record, __u64 size, __u64 flags)
{
	host_n_signals++;
	return 0;
}

HOST_SHARED int events;
HOST_SHARED struct event host_event;	/* the last event that was written */
HOST_SHARED __u32 host_n_events;

HOST_SHARED int challenges;
/* The last challenge that was written. */
HOST_SHARED struct challenge host_challenge;
HOST_SHARED __u32 host_n_challenges;

INLINE void *bpf_ringbuf_reserve(void *ring, __u64 size, __u64 flags)
{
	return ring == &challenges ? (void *)&host_challenge : &host_event;
}

INLINE void bpf_ringbuf_submit(void *record, __u64 flags)
{
	++*(record == &host_challenge ? &host_n_challenges : &host_n_events);
}

#define bpf_loop(n, step, context, flags) \
	for (__u32 i_ = 0; i_ < (n) && !step(i_, context); i_++)

/* Does nothing: there is one CPU, so no lock is needed. */
INLINE void bpf_spin_lock(struct bpf_spin_lock *lock)
{
}

INLINE void bpf_spin_unlock(struct bpf_spin_lock *lock)
{
}

INLINE __u64 bpf_ktime_get_ns(void)
{
	return host_jiffies * 4000000;	/* assumes 250 jiffies per second */
}

/* Returns 0, because there is one CPU. */
INLINE __u32 bpf_get_smp_processor_id(void)
{
	return 0;
}

INLINE __u32 bpf_get_prandom_u32(void)
{
	return 4;	/* a random number by RFC 1149.5, because tests need a fixed value */
}

struct host_route {		/* route of a test; of those that match, the first counts */
	/* Prefix that the route leads to, as in struct addr: IPv4 is ::ffff:a.b.c.d. */
	struct addr dst, mask;
	/* Like a rule by source: the route is only for these sources; mask 0: for all. */
	struct addr src, src_mask;
	__u32 iif;		/* ifindex of the link that the packet comes from; 0: any link */
	__u32 answer;			/* return value of the lookup: BPF_FIB_LKUP_RET_* */
	__u32 ifindex, mtu;
	struct addr gateway; /* address of the gateway; all zero: the destination is on the link */
	__u8 dmac[ETH_ALEN], smac[ETH_ALEN];
};

#define HOST_ROUTES 96
HOST_SHARED struct host_route host_routes[HOST_ROUTES];
HOST_SHARED __u32 host_n_routes;
#define HOST_QUESTIONS 4 /* number of lookups that are kept; lookup n is at n % HOST_QUESTIONS */
HOST_SHARED struct bpf_fib_lookup host_questions[HOST_QUESTIONS];
HOST_SHARED __u32 host_n_questions;
HOST_SHARED bool host_send_fails;

/* Moves the last n routes to the front. */
static inline void host_routes_first(__u32 n)
{
	while (n--) {
		struct host_route last = host_routes[host_n_routes - 1];

		memmove(&host_routes[1], &host_routes[0], (host_n_routes - 1) * sizeof(last));
		host_routes[0] = last;
	}
}

INLINE bool host_covers(const struct addr *prefix, const struct addr *mask, const struct addr *a)
{
	return (a->q[0] & mask->q[0]) == prefix->q[0] && (a->q[1] & mask->q[1]) == prefix->q[1];
}

/* Hook for tests: if it is set, it replaces the table of routes. */
HOST_SHARED long (*host_fib)(struct bpf_fib_lookup *fib, __u32 flags);

static inline long bpf_fib_lookup(void *ctx, struct bpf_fib_lookup *fib, int size, __u32 flags)
{
	struct addr src, dst;

	host_questions[host_n_questions++ % HOST_QUESTIONS] = *fib;
	if (host_fib)
		return host_fib(fib, flags);
	if (fib->family == FAMILY_IPV4) {
		src = addr_from4(fib->ipv4_src);
		dst = addr_from4(fib->ipv4_dst);
	} else {
		memcpy(&src, fib->ipv6_src, sizeof(src));
		memcpy(&dst, fib->ipv6_dst, sizeof(dst));
	}
	for (__u32 i = 0; i < host_n_routes; i++) {
		const struct host_route *r = &host_routes[i];

		if (!host_covers(&r->dst, &r->mask, &dst) ||
		    !host_covers(&r->src, &r->src_mask, &src) ||
		    (r->iif && r->iif != fib->ifindex))
			continue;
		if (r->answer != BPF_FIB_LKUP_RET_SUCCESS && r->answer != BPF_FIB_LKUP_RET_NO_NEIGH)
			return r->answer;
		fib->ifindex = r->ifindex;
		if (fib->family == FAMILY_IPV4 && r->gateway.w[3])
			fib->ipv4_dst = r->gateway.w[3];
		else if (r->gateway.w[3])
			memcpy(fib->ipv6_dst, &r->gateway, sizeof(r->gateway));
		if (r->answer == BPF_FIB_LKUP_RET_NO_NEIGH)
			return r->answer;
		fib->mtu_result = r->mtu;
		memcpy(fib->dmac, r->dmac, ETH_ALEN);
		memcpy(fib->smac, r->smac, ETH_ALEN);
		return 0;
	}
	return BPF_FIB_LKUP_RET_NOT_FWDED;
}
