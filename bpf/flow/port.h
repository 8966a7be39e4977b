/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The step flow_commit(), for a new client: takes a place for its flow, and a port of ours. If the
 * client's own port is in the pool and free, that is used; otherwise a secret hash selects the
 * port. If an attacker could compute the hash, a few packets would take all ports that a chosen
 * client tries. The port is taken by the word in flow_index, which names the flow's place. The
 * flow's place is BUSY until the flow is written. make.h uses this header.
 *
 * Reads:  s->flow.key, made; the maps pools, table.
 * Writes: s->flow.made, place, word; the maps flow_table, flow_index.
 */
#pragma once

#include "csum.h"
#include "flow/find.h"
#include "table.h"

/* Number of ports to try for a new client. If 90 % of the pool is in use, one client in 2^22 finds
 * all of these ports taken. */
#define FLOW_PORTS 144
/* The same for a client beyond the share of its source, because such clients may be a flood. */
#define FLOW_PORTS_BRIEF 16

/* ---- ending a flow ---- */

/* Removes the word in flow_index that names the flow. The caller has made the flow BUSY. */
INLINE void flow_unindex(const struct flow *f, __u32 place)
{
	__u32 at = read_once(f->place);
	struct learned_line *line = flow_index_line(at / LEARNED_WAYS);
	__u64 *word, is;

	if (!line)
		return;
	word = &line->word[at & (LEARNED_WAYS - 1)];
	is = read_once(*word);
	if (learned_word_tag(is) && (__u32)is == place)
		(void)learned_cas(word, is, 0);
}

/* Ends the flow at this place, if its word is still this one; otherwise returns false. */
static __attribute__((noinline)) bool flow_end_at(__u32 place, __u64 word)
{
	struct flow_bucket *b = flow_bucket(place);
	__u32 way = place & (LEARNED_WAYS - 1);
	__u64 busy = learned_word(learned_word_tag(word), LEARNED_BUSY, word, 0);

	if (!b || !learned_word_tag(word) || learned_word_state(word) == LEARNED_BUSY ||
	    !learned_cas(&b->line.word[way], word, busy))
		return false;
	flow_unindex(&b->flow[way], place);
	learned_store(&b->line.word[way], learned_word_free(busy));
	return true;
}

/* ---- a place ---- */

/* Fills s->made with the new flow, except for our address and port. */
INLINE void flow_describe(struct flow_work *s)
{
	struct flow *f = &s->made;

	f->client = s->key.src;
	f->local = s->key.dst;
	f->client_port = s->key.sport;
	f->local_port = s->key.dport;
	f->client_family = s->key.family;
	f->original = DIRECTION_ORIGINAL;
	f->number = s->key.backend;
	f->backend = s->way.dst;
	f->backend_port = s->way.dport;
	f->family = s->way.family;
	f->reply = DIRECTION_REPLY;
	f->ifindex = s->ifindex;
	f->since = 0;
	f->id = s->id;
	f->epoch = 0;
	f->packets[0] = f->packets[1] = f->bytes[0] = f->bytes[1] = 0;
}

/* Takes a place in flow_table for the new flow: sets s->place, and s->word to its word, which is
 * BUSY now. Returns 0 or a reason. */
INLINE int flow_claim_step(struct pkt_state *state)
{
	struct flow_work *s = &state->flow;
	__u64 other = learned_second(s->hash, &learned_secret);
	__u32 home0 = s->hash & flow_mask, home1 = other & flow_mask;
	struct learned_work *w = &state->learned;
	struct flow_bucket *a, *b;
	int rc;

	a = bpf_map_lookup_elem(&flow_table, &home0);
	b = bpf_map_lookup_elem(&flow_table, &home1);
	if (!a || !b)
		return -DROP_flows_full;
	w->hash = s->hash;
	w->other = other;
	w->now = s->units;
	w->longest = LEARNED_LONGEST;
	learned_copy(w, &a->line, &b->line);
	learned_rank_all(state);
	rc = learned_reserve(w, &a->line, &b->line);
	if (rc)
		return rc == LEARNED_FULL ? -DROP_flows_full : -DROP_flow_contended;
	s->word = w->word;
	s->place = (w->way >= LEARNED_WAYS ? home1 : home0) * LEARNED_WAYS + learned_index(w->way);
	if (learned_word_tag(w->was))
		flow_unindex(&(w->way >= LEARNED_WAYS ? b : a)->flow[learned_index(w->way)],
			     s->place);
	return learned_alone(w, &a->line, &b->line, home0 == home1) ? 0 : -DROP_flow_contended;
}
STATE_STEP(with_flows, flow_claim)

/* ---- a port ---- */

/* Mixes the bits with public factors (splitmix64); only s->start is secret. With secret factors,
 * the candidates could repeat after a few ports. */
INLINE __u64 flow_mix(__u64 x)
{
	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ULL;
	x = (x ^ x >> 27) * 0x94d049bb133111ebULL;
	return x ^ x >> 31;
}

/* Writes candidate i, an address and port of ours, to s->made. 0 has the client's own port. */
INLINE bool flow_candidate(struct flow_work *s, const struct pool *pool, __u32 i)
{
	bool ipv4 = s->made.family == FAMILY_IPV4;
	__u32 range = (__u32)pool->last - pool->first + 1, n = ipv4 ? pool->n4 : pool->n6, own;
	__u64 port = bpf_ntohs(s->key.sport), place;

	if (!n || n > POOL_ADDRS || pool->last < pool->first)
		return false;
	if (i || port < pool->first || port > pool->last) {
		place = flow_mix(s->start + i) >> 32;
		place = place * range * n >> 32;
	} else {
		place = (s->start >> 32) % n * range + port - pool->first;
	}
	own = place / range & (POOL_ADDRS - 1);
	s->made.own = ipv4 ? pool->own4[own] : pool->own6[own];
	s->made.own_port = bpf_htons(pool->first + place % range);
	/* Answers to the port of the blind relay would be messages for the relay. */
	return !with_blind || s->made.own_port != blind_port;
}

/* Returns whether the candidate belongs to others: a listener here, whose packets answers would be,
 * or WireGuard of this host, whose answers from the backend would go to the client. */
INLINE bool flow_port_is_own(const struct flow *f)
{
	struct table_key key = {
		f->own, table_word(KEY_OWN_PORT, f->family, f->own_port, 0),
	};

	return table_find(&key);
}

/* Returns whether a candidate is taken: a flow has this tag in the line of flow_index. Ends such a
 * flow if it has expired, and remembers which one may be displaced first. */
INLINE bool flow_port_taken(struct flow_work *s, const struct learned_line *line, __u32 tag)
{
	struct flow_bucket *b;
	__u64 is, word, rank;
	__u32 way, place;

	if (!learned_find(line, tag, &way))
		return false;
	is = read_once(line->word[learned_index(way)]);
	place = is;
	b = flow_bucket(place);
	if (!b || learned_word_tag(is) != tag || place == s->place)
		return true;
	word = read_once(b->line.word[place & (LEARNED_WAYS - 1)]);
	if (!learned_word_tag(word))
		return true;
	rank = learned_rank(word, s->units, LEARNED_LONGEST);
	if (rank >= 3 * LEARNED_RANK)
		return !flow_end_at(place, word);
	if (rank > s->yields_rank) {
		s->yields_rank = rank;
		s->yields_word = word;
		s->yields_place = place;
		s->yields_try = s->tries;
	}
	return true;
}

/* Puts a word into a free way of the line, preferably the way `first`. Returns the way, or
 * LEARNED_WAYS if none is free. */
INLINE __u32 flow_index_store(struct learned_line *line, __u32 first, __u64 word)
{
	__u64 way = first;

	if (read_once(line->word[first])) {
#pragma clang loop unroll(full)
		for (__u32 i = 0; i < LEARNED_WAYS; i++)
			way += learned_none(read_once(line->word[i]) >> 32) * (i - way);
	}
	way = learned_index(way);
	return learned_cas(&line->word[way], 0, word) ? way : LEARNED_WAYS;
}

/* Takes candidate s->tries for the flow. Returns 0, or another value if it was taken already. */
INLINE int flow_try(struct flow_work *s, const struct pool *pool)
{
	struct learned_line *a, *b, *line;
	__u32 home0, home1, tag0, tag1, way, want;
	struct flow_key key;
	__u64 hash, other;

	if (!flow_candidate(s, pool, s->tries) || flow_port_is_own(&s->made))
		return -1;
	key = flow_key_of(&s->made, DIRECTION_REPLY);
	hash = flow_hash(&key);
	other = learned_second(hash, &learned_secret);
	home0 = hash & flow_index_mask;
	home1 = other & flow_index_mask;
	tag0 = learned_tag(hash);
	tag1 = learned_tag(other);
	a = flow_index_line(home0);
	b = flow_index_line(home1);
	if (!a || !b || flow_port_taken(s, a, tag0) || flow_port_taken(s, b, tag1))
		return -1;
	line = a;
	s->made.place = home0 * LEARNED_WAYS;
	way = flow_index_store(a, learned_first(hash), (__u64)tag0 << 32 | s->place);
	if (way >= LEARNED_WAYS) {
		line = b;
		s->made.place = home1 * LEARNED_WAYS;
		way = flow_index_store(b, learned_first(other), (__u64)tag1 << 32 | s->place);
	}
	if (way >= LEARNED_WAYS)
		return -1;
	way = learned_index(way);
	want = 1 + (home0 == home1 && tag0 == tag1);
	if (learned_count(a, tag0) + learned_count(b, tag1) != want) {
		/* Another CPU takes the same candidate at this moment. */
		learned_store(&line->word[way], 0);
		return -1;
	}
	s->made.place += way;
	return 0;
}

static __attribute__((noinline)) long flow_try_next(__u32 i, void *none)
{
	struct pkt_state *state = state_find();
	struct flow_work *s;
	const struct pool *pool;

	if (!state)
		return 1;
	barrier_var(state);
	s = &state->flow;
	pool = bpf_map_lookup_elem(&pools, &s->id);
	if (!pool)
		return 1;
	s->tries = i;
	s->result = flow_try(s, pool);
	return !s->result;
}

/* Finds an address and port of ours for s->made. If all candidates are taken, ends the flow that
 * may be displaced first. Returns 0 or -1. It uses bpf_loop(), because the verifier of Linux 6.1
 * would walk each round of a plain loop. */
INLINE int flow_find_port(struct flow_work *s)
{
	s->start = learned_second(s->hash ^ learned_secret.key[0], &learned_secret);
	s->yields_rank = LEARNED_RANK - 1;
	s->result = -1;
	bpf_loop(s->half_open == HALF_OPEN_SECONDS ? FLOW_PORTS : FLOW_PORTS_BRIEF, flow_try_next,
		 NULL, 0);
	if (s->result && s->yields_rank >= LEARNED_RANK &&
	    flow_end_at(s->yields_place, s->yields_word))
		flow_try_next(s->yields_try, NULL);
	return s->result;
}
