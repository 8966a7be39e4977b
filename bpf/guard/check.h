/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The guard, second part: decides on a handshake message, or on data of an unknown client, which
 * message.h has read into s->guard. Records only the CPU time that the check used, and the sources
 * that sent a wrong mac1.
 *
 * Runs after guard_read() (message.h), and before guard_choose_backend() (guard.h).
 * Reads:  s->guard; the maps guards, guard_keys, answered, indices.
 * Writes: s->guard.backend, known; the maps budgets, failed.
 */
#pragma once

#include "guard/mac.h"
#include "learned_steps.h"

LEARNED_FIND(with_guards, answered, SESSION_SECONDS)
LEARNED_FIND(with_guards, indices, SESSION_SECONDS)

INLINE const struct guard *guard_find(const struct guard_work *s)
{
	return bpf_map_lookup_elem(&guards, &s->id);
}

/* Callback of bpf_loop(): tries one key. Returns 1 to stop, otherwise 0. */
static long guard_try(__u32 i, void *none)
{
	struct pkt_state *state = state_find();
	const struct guard_key *key;
	struct guard_work *s;
	__u32 place;

	if (!state)
		return 1;
	barrier_var(state);
	s = &state->guard;
	place = s->key + i;
	key = bpf_map_lookup_elem(&guard_keys, &place);
	if (!key)
		return 1;
	s->tried = i + 1;
	if (!mac1_fits(s, key->mac1))
		return 0;
	s->backend = key->backend;
	s->result = 0;
	return 1;
}

/* Finds the key of the service with which mac1 was made. It uses bpf_loop(), because there may be
 * 128 keys, and the verifier would walk a plain loop once for each. */
INLINE int guard_mac1(struct guard_work *s, __u32 keys)
{
	if (!mac1_begin(s))
		return -DROP_guard_busy;
	s->key = GUARD_KEYS_FIRST(keys);
	s->result = -DROP_guard_mac1;
	bpf_loop(GUARD_KEYS_N(keys), guard_try, NULL, 0);
	mac1_end(s);
	if (s->result)
		remember_failed(s->hash, s->now);
	return s->result;
}

/* Returns whether a backend has answered the client; s->learned.value.answered then says which. */
INLINE bool guard_find_client(struct pkt_state *state)
{
	learned_key(state)->client = state->guard.client;
	return answered_find(state);
}

/* Returns whether a backend gave out this receiver index less than SESSION_SECONDS ago;
 * s->learned.value.answered then says which backend. */
INLINE bool guard_find_index(struct pkt_state *state, __le32 index)
{
	learned_key(state)->index = (struct index_key){ index, state->guard.id };
	return indices_find(state);
}

/* Admits only the first response to a backend's initiation, by the initiation's index, which an
 * attacker does not know. Returns 0 or a reason. */
INLINE int guard_response(struct pkt_state *state)
{
	return guard_find_index(state, load_word(__le32, state->guard.message + 8)) &&
	       !state->learned.value.answered.used ? 0 : -DROP_guard_stranger;
}

/* Decides whether the message of an original may go to the service, and to which backend. Returns 0
 * or a reason. */
INLINE int guard_check_step(struct pkt_state *state)
{
	struct guard_work *s = &state->guard;
	const struct guard *g = guard_find(s);

	if (!g)
		return -DROP_guard_busy;
	if (s->kind == MESSAGE_DATA && !(g->flags & (GUARD_STRICT | GUARD_BACKENDS)))
		return 0;
	s->now = bpf_jiffies64();
	s->known = guard_find_client(state);
	s->failed = NOT_FAILED;
	s->backend = s->known ? state->learned.value.answered.backend : 0;
	if (s->kind == MESSAGE_INITIATION)
		return guard_mac1(s, g->keys);
	if (s->kind == MESSAGE_RESPONSE)
		return guard_response(state) ?: guard_mac1(s, g->keys);
	if (!s->indices && guard_find_index(state, s->index)) {
		s->backend = state->learned.value.answered.backend;
		return 0;
	}
	if (s->known)
		return 0;
	return g->flags & (GUARD_STRICT | GUARD_BACKENDS) ? -DROP_guard_stranger : 0;
}
STATE_STEP(with_guards, guard_check)
