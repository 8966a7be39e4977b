/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Makes the steps of a table of struct learned_entry; who has such a table includes it. A step
 * writes the key, and for a write the value, into s->learned; then it calls one of
 *
 *   NAME_find(s)        true: the value is in s->learned.value, its place's word in .word
 *   NAME_put(s)         writes the entry, in the place of the key's former one
 *   NAME_take(s, ...)   takes one of the limit
 *
 * Each is a step of its own: the verifier walks it once.
 */
#pragma once

#include "learned_entry.h"

/* While another CPU has the place BUSY, which takes it tens of nanoseconds */
#define LEARNED_TRIES 4

/* seconds: as for learned_find_in() */
#define LEARNED_FIND(with, name, seconds) \
	INLINE int name##_search_step(struct pkt_state *s) \
	{ \
		return learned_find_in(&name, learned_mask(name), &s->learned, seconds); \
	} \
	STATE_STEP(with, name##_search) \
	INLINE bool name##_find(struct pkt_state *s) \
	{ \
		return name##_search(s) > 0; \
	}

/* Calls a table's step until it is done. What it needs of others is called in between, so that
 * their stacks do not add up. */
#define LEARNED_DO(s, step) ({ \
	int rc_ = LEARNED_AGAIN; \
	\
	(s)->learned.sought = false; \
	_Pragma("clang loop unroll(disable)") \
	for (int i_ = 0; i_ < LEARNED_TRIES && rc_ == LEARNED_AGAIN; i_++) { \
		rc_ = step(s); \
		if (rc_ == LEARNED_SEEK) { \
			learned_rank_all(s); \
			rc_ = step(s); \
		} \
	} \
	rc_; })

#define LEARNED_PUT(with, name) \
	INLINE int name##_try_step(struct pkt_state *s) \
	{ \
		return learned_put_in(&name, learned_mask(name), &s->learned); \
	} \
	STATE_STEP(with, name##_try) \
	INLINE int name##_write_step(struct pkt_state *s) \
	{ \
		return LEARNED_DO(s, name##_try); \
	} \
	STATE_STEP(with, name##_write) \
	/* False: all places hold LIVE entries, or other CPUs are writing it */ \
	INLINE bool name##_put(struct pkt_state *s) \
	{ \
		return !name##_write(s); \
	}

#define LEARNED_LIMIT(with, name) \
	INLINE int name##_charge_step(struct pkt_state *s) \
	{ \
		return learned_charge_in(&name, learned_mask(name), &s->learned); \
	} \
	STATE_STEP(with, name##_charge) \
	INLINE int name##_pay_step(struct pkt_state *s) \
	{ \
		return LEARNED_DO(s, name##_charge); \
	} \
	STATE_STEP(with, name##_pay) \
	/* Takes one of the limit of s->learned.key, as limit_take(); now: in ticks. Who finds no \
	 * place is not limited. */ \
	INLINE bool name##_take(struct pkt_state *s, __u64 now, __u64 each, __u64 burst) \
	{ \
		int rc; \
		\
		s->learned.ticks = now; \
		s->learned.each = each; \
		s->learned.burst = burst; \
		rc = name##_pay(s); \
		return rc == 0 || rc == LEARNED_FULL; \
	}
