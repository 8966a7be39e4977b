/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The guard, last part (guard_remember(), in ready()): called when a handshake message is about to
 * be sent. Applies rate limits, drops replays, and records answered clients, indices, and the
 * backend's health.
 *
 * Runs after resolve(), in ready(), and before flow_commit().
 * Reads:  s->guard; the map guards.
 * Writes: the maps replays, guard_state, guard_sources, answered, indices, handshakes, challenged,
 *         health; the ring challenges.
 */
#pragma once

#include "guard/cookie.h"
#include "guard/replay.h"

LEARNED_FIND(with_guards, guard_sources, 0)
LEARNED_STORE(with_guards, answered, SESSION_SECONDS)
LEARNED_STORE(with_guards, indices, SESSION_SECONDS)
LEARNED_STORE(with_guards, challenged, COOKIE_SECONDS)

/* ---- limits ----
 *
 * Anyone can send an initiation with a forged source address. So an initiation is charged to its
 * source only if the source proved its address: the backend answered the initiation, or it had a
 * cookie. (WireGuard limits sources in the same way: whitepaper, section 5.3.) All other
 * initiations share the limit of the service. */

INLINE void source_set_key(struct pkt_state *state)
{
	struct client_key *key = &learned_key(state)->client;

	key->addr = guard_source(&state->guard.client.addr);
	key->id = state->guard.client.id;
}

/* Charges one handshake to the source. Returns false if its limit is used up. */
INLINE bool source_charge(struct pkt_state *state, const struct guard *g, __u64 now)
{
	source_set_key(state);
	return guard_sources_charge(state, now, g->source_each, g->source_burst);
}

/* Returns whether the limit of the source allows another handshake. Charges nothing. */
INLINE bool source_has_left(struct pkt_state *state, const struct guard *g, __u64 now)
{
	__u64 used;

	source_set_key(state);
	if (!guard_sources_find(state))
		return true;
	used = state->learned.value.used;
	return (used > now ? used : now) + g->source_each <=
	       now + g->source_burst * g->source_each;
}

/* Charges an initiation to the service's limit. The first one per HEALTH_SECONDS from a client that
 * the backend has answered is free, because such a client sends no more than that. */
INLINE bool service_admits_one(const struct guard_work *s, const struct guard *g, __u64 now)
{
	struct guard_state *state = bpf_map_lookup_elem(&guard_state, &s->id);

	return s->counts || !state ||
	       limit_charge(&state->service_until, g->service_each, g->service_burst, now);
}

INLINE struct health *health_find(struct guard_work *s)
{
	s->place = s->id * GUARD_BACKENDS_MAX + (s->backend & (GUARD_BACKENDS_MAX - 1));
	return bpf_map_lookup_elem(&health, &s->place);
}

/* Returns the place in handshakes for this client, service and sender index. Sets s->hash. */
INLINE struct handshake *handshake_find(struct guard_work *s, const __u8 *index)
{
	__u64 word = (__u64)load_word(__u32, index) << 32 | (__u32)s->client.port << 16 | s->id;
	__u64 h = (source_hash(&s->client.addr) ^ word) * 0x9fb21c651e98df25ULL;

	s->hash = h ^ h >> 32;
	s->place = s->hash % HANDSHAKE_PLACES;
	return bpf_map_lookup_elem(&handshakes, &s->place);
}

/* Counts a source in *n, unless it is counted already. tags: the hashes of those that are. Two CPUs
 * may give different sources the same place. The one that is lost counts when it tries again. */
INLINE void health_count_source(__u32 *tags, __u64 *n, __u32 tag)
{
	__u64 counted = *n;
	__u32 i;

	for (i = 0; i < HEALTH_SOURCES && i < counted; i++)
		if (tags[i] == tag)
			return;
	if (i >= HEALTH_SOURCES)
		return;
	tags[i] = tag;
	*n = i + 1;
}

INLINE void remember_initiation(struct guard_work *s)
{
	struct handshake *begins = handshake_find(s, s->message + 4);
	struct addr source;
	struct health *h;
	__u32 tag;

	if (begins) {
		begins->hash = s->hash;
		begins->begun = (bpf_ktime_get_ns() & ~(__u64)HANDSHAKE_CHARGED) |
				(s->proven ? HANDSHAKE_CHARGED : 0);
	}
	h = health_find(s);
	if (!h)
		return;
	__sync_fetch_and_add(&h->initiations, 1);
	__sync_fetch_and_add(&h->unanswered, 1);
	source = guard_source(&s->client.addr);
	tag = source_hash(&source);
	health_count_source(h->tags, &h->sources, tag);
	if (!s->counts)
		return;
	__sync_fetch_and_add(&h->known_unanswered, 1);
	health_count_source(h->known_tags, &h->known_sources, tag);
}

/* Returns whether this message of a client that the backend has answered counts for the backend's
 * health. An attacker who knows the client's address and port can forge such messages. So only one
 * per HEALTH_SECONDS counts, the interval at which WireGuard itself retries. */
INLINE bool known_counts(struct pkt_state *state)
{
	if (!state->guard.known)
		return false;
	learned_key(state)->client = state->guard.client;
	state->learned.key.client.what = LIMITED_CLIENT;
	return guard_sources_charge(state, state->guard.now << GUARD_TICK,
				    (__u64)HEALTH_SECONDS * tick_rate << GUARD_TICK, 1);
}

/* Forgets the unanswered initiations: the backend is alive. */
INLINE void health_alive(struct health *h)
{
	h->unanswered = h->sources = h->known_unanswered = h->known_sources = 0;
}

/* Records that the backend has a session from now on: it has answered, or was answered. */
INLINE void health_session(struct health *h, __u64 now)
{
	health_alive(h);
	h->answered = now;
}

/* Records that the backend's initiation was answered. No limit applies to this response, but a
 * second response to the same initiation will not pass. */
INLINE void remember_response(struct pkt_state *state)
{
	struct health *h = health_find(&state->guard);

	if (!guard_find_index(state, load_word(__le32, state->guard.message + 8)))
		return;
	state->learned.value.answered.used = 1;
	state->learned.until = state->learned.word;
	state->learned.state = LEARNED_LIVE;
	indices_store(state);
	if (h)
		health_session(h, state->guard.now);
}

INLINE int guard_initiation(struct pkt_state *state, const struct guard *g)
{
	struct guard_work *s = &state->guard;
	__u64 now = s->now << GUARD_TICK;
	__u32 replay = replay_find(s, s->now);
	int rc;

	if (replay == REPLAY_OTHER_CLIENT)
		return -DROP_guard_replay;	/* no charge to the source, and no cookie */
	s->proven = false;
	rc = cookie_admits(state, g, s->now);
	if (rc)
		return rc;
	if (s->proven ? !source_charge(state, g, now) : !source_has_left(state, g, now))
		return -DROP_guard_limited;
	s->counts = replay == REPLAY_NEW && known_counts(state);
	if (!service_admits_one(s, g, now))
		return -DROP_guard_limited;
	replay_remember(s, s->now);
	if (replay == REPLAY_NEW)
		remember_initiation(s);
	return 0;
}

/* Records how long the backend took to answer, if its initiation was forwarded here. Charges the
 * source for the answer, unless the initiation was charged. */
INLINE void remember_answer(struct pkt_state *state, const struct guard *g, struct health *h)
{
	struct guard_work *s = &state->guard;
	struct handshake *begun = handshake_find(s, s->message + 8);
	bool found = begun && begun->hash == s->hash;
	__u64 ns, bucket = 0;

	if (!found || !(begun->begun & HANDSHAKE_CHARGED))
		source_charge(state, g, s->now << GUARD_TICK);
	if (!found)
		return;
	ns = bpf_ktime_get_ns() - begun->begun;
#pragma clang loop unroll(full)
	for (__u32 i = 0; i < HANDSHAKE_BUCKETS - 1; i++)
		bucket += ns >= 1000000ULL << i;
	__sync_fetch_and_add(&h->seconds, ns);
	__sync_fetch_and_add(&h->buckets[bucket & (HANDSHAKE_BUCKETS - 1)], 1);
	begun->hash = 0;
}

INLINE int guard_make_reply(struct pkt_state *state, const struct guard *g)
{
	struct guard_work *s = &state->guard;
	struct health *h = health_find(s);
	struct answered *value;

	if (s->kind == MESSAGE_COOKIE) {
		/* The backend sends cookies to anyone. So the client's flow stays half-open, and
		 * its choice of a listener as well (service_remember()). */
		state->flow.way.is_new = FLOW_KNOWN;
		state->service.flags &= ~SERVICE_CHOICE;
		learned_key(state)->client = s->client;
		learned_value(state, LEARNED_HALF, COOKIE_SECONDS);
		challenged_store(state);
		return 0;
	}
	learned_key(state)->client = s->client;
	value = &learned_value(state, LEARNED_LIVE, SESSION_SECONDS)->answered;
	value->backend = s->backend;
	answered_store(state);
	learned_key(state)->index = (struct index_key){ s->index, s->client.id };
	value = &learned_value(state, LEARNED_LIVE, SESSION_SECONDS)->answered;
	value->backend = s->backend;
	value->used = s->kind == MESSAGE_RESPONSE;	/* no response follows a response */
	indices_store(state);
	if (s->kind != MESSAGE_RESPONSE || !h)
		return 0;
	__sync_fetch_and_add(&h->responses, 1);
	health_session(h, s->now);
	remember_answer(state, g, h);
	return 0;
}

/* Called when the message in s->guard is about to be sent. Returns 0 or a reason; with a reason,
 * nothing was recorded except charges to limits. */
INLINE int guard_make_step(struct pkt_state *state)
{
	struct guard_work *s = &state->guard;
	const struct guard *g = guard_find(s);

	if (!g)
		return -DROP_guard_busy;
	s->now = bpf_jiffies64();
	if (!s->original)
		return guard_make_reply(state, g);
	if (s->kind == MESSAGE_INITIATION)
		return guard_initiation(state, g);
	remember_response(state);
	return 0;
}
STATE_STEP(with_guards, guard_make)
