/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * flow_commit, for a new client: finds a port of ours, and makes its embryo (half-open flow). The
 * port is the client's own if that is in the pool and free, else one that follows from the client's
 * address. If two CPUs want the same port, the embryo's BPF_NOEXIST decides. make.h calls
 * flow_find_port().
 *
 * Reads:  s->flow.key, way; the maps pools, flows.
 * Writes: s->flow.other, way; the maps embryos, embryo_limits.
 */
#pragma once

#include "csum.h"
#include "step.h"

#define FLOW_PORTS 64			/* tried for a new client, half of them side by side */

INLINE void flow_set_delta(struct flow_work *s)
{
	s->way.delta = csum_fold(addr_delta(&s->key.src, &s->way.src) +
				 addr_delta(&s->key.dst, &s->way.dst));
}

/* ---- a source's share: EMBRYO_SHARE in EMBRYO_SECONDS ---- */

#define EMBRYO_EACH (EMBRYO_SECONDS * tick_rate / EMBRYO_SHARE ?: 1)

/* Returns the time up to which the source of `key` has used its share, or NULL. *source: the key in
 * embryo_limits. */
INLINE __u64 *embryo_used(const struct flow_key *key, struct addr *source)
{
	*source = key->src;
	if (key->family == FAMILY_IPV6)
		source->q[1] = 0;		/* a /64 is one source */
	return bpf_map_lookup_elem(&embryo_limits, source);
}

INLINE bool embryo_allowed(const struct flow_key *key, __u64 now)
{
	struct addr source;
	__u64 *used = embryo_used(key, &source), each = EMBRYO_EACH, until = now + each;

	if (!used)
		return !bpf_map_update_elem(&embryo_limits, &source, &until, BPF_ANY);
	if (*used > now)
		until = *used + each;
	if (until > now + EMBRYO_SHARE * each)
		return false;
	*used = until;
	return true;
}

/* ---- ports ---- */

/* Writes the i-th candidate for this client as the reply's key, s->other: first the client's own
 * port, then ports by a secret hash of its address. If a stranger could calculate them, a few
 * packets would take all the ports that a chosen client tries. */
INLINE bool flow_candidate(struct flow_work *s, const struct pool *pool, __u32 i)
{
	bool ipv4 = s->way.family == FAMILY_IPV4;
	__u32 range = (__u32)pool->last - pool->first + 1, n = ipv4 ? pool->n4 : pool->n6;
	__u32 all = range * n, own;
	__u64 place, port = bpf_ntohs(s->key.sport);

	if (!n || n > POOL_ADDRS || pool->last < pool->first)
		return false;
	place = (s->start >> 32) % n * range;
	if (i || port < pool->first || port > pool->last)
		place = i < FLOW_PORTS / 2 ? (s->start * (2 * i + 1) >> 16) % all :
					     ((__u32)s->start + i) % all;
	else
		place += port - pool->first;
	own = place / range & (POOL_ADDRS - 1);
	s->other.src = s->way.dst;
	s->other.dst = ipv4 ? pool->own4[own] : pool->own6[own];
	s->other.sport = s->way.dport;
	s->other.dport = bpf_htons(pool->first + place % range);
	s->other.family = s->way.family;
	s->other.direction = DIRECTION_REPLY;
	s->other.backend = 0;
	return true;
}

INLINE bool embryo_matches(const struct embryo *e, const struct flow_key *key)
{
	return addr_same(&e->client, &key->src) && addr_same(&e->local, &key->dst) &&
	       e->client_port == key->sport && e->local_port == key->dport &&
	       e->family == key->family && e->backend == key->backend;
}

/* One CPU alone deletes an expired embryo: a moment later its key may be another client's. */
INLINE bool embryo_claim(struct embryo *e)
{
	__u64 until = e->until;

	return until && __sync_val_compare_and_swap(&e->until, until, 0) == until;
}

/* Tries one port. Returns 1 to stop. */
static long flow_try(__u32 i, void *none)
{
	struct pkt_state *state = state_find();
	struct flow_work *s;
	struct embryo *e;
	struct pool *pool;

	if (!state)
		return 1;
	barrier_var(state);
	s = &state->flow;
	pool = bpf_map_lookup_elem(&pools, &s->id);
	if (!pool || !flow_candidate(s, pool, i))
		return 1;
	if (bpf_map_lookup_elem(&flows, &s->other))
		return 0;
	e = bpf_map_lookup_elem(&embryos, &s->other);
	if (e && s->now < e->until) {
		if (!embryo_matches(e, &s->key))
			return 0;
		e->until = s->embryo.until;	/* this client's own: it tries again */
		s->answer = 0;
		return 1;
	}
	if (e && !embryo_claim(e))
		return 0;
	if (e)
		bpf_map_delete_elem(&embryos, &s->other);
	if (!s->share && !embryo_allowed(&s->key, s->now)) {
		s->answer = -DROP_newcomer_limited;
		return 1;
	}
	s->share = 1;
	if (bpf_map_update_elem(&embryos, &s->other, &s->embryo, BPF_NOEXIST))
		return 0;
	if (bpf_map_lookup_elem(&flows, &s->other)) {	/* became a flow since the first look */
		bpf_map_delete_elem(&embryos, &s->other);
		return 0;
	}
	s->answer = 0;
	return 1;
}

/* Finds an address and port of ours for a client that has none. Returns 0 with s->way complete, or
 * a reason. By bpf_loop(): 6.1 would walk each of the 64 rounds of a plain loop. */
INLINE int flow_find_port(struct flow_work *s)
{
	__u64 ports = (__u64)s->key.sport << 16 | s->key.dport;
	__u64 h = (s->key.src.q[0] + hash_key0) * (s->key.src.q[1] + hash_key1) +
		  s->key.dst.q[1] + ports * hash_key1;

	h = (h ^ h >> 32) * 0x9fb21c651e98df25ULL;
	s->start = h ^ h >> 32;	/* addresses differ in high bits, ports follow from low ones */
	s->embryo.client = s->key.src;
	s->embryo.local = s->key.dst;
	s->embryo.client_port = s->key.sport;
	s->embryo.local_port = s->key.dport;
	s->embryo.id = s->id;
	s->embryo.family = s->key.family;
	s->embryo.backend = s->key.backend;
	s->embryo.ifindex = s->ifindex;
	s->embryo.until = s->now + EMBRYO_SECONDS * tick_rate;
	s->share = 0;
	s->answer = -DROP_ports_exhausted;
	bpf_loop(FLOW_PORTS, flow_try, NULL, 0);
	if (s->answer)
		return s->answer;
	s->way.src = s->other.dst;
	s->way.sport = s->other.dport;
	flow_set_delta(s);
	return 0;
}
