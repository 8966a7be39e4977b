/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Macros that make the steps of a table of struct learned_entry. A file that owns such a table
 * includes this header. The caller writes the key, and for a store the value, to s->learned. After
 * that, the caller calls one of these steps:
 *
 *   NAME_find(s)         true: the value is in s->learned.value, and the place's word in .word
 *   NAME_store(s)        writes the entry, or replaces the value of the key's entry
 *   NAME_charge(s, ...)  charges one event to a rate limit
 *
 * Each is a step of its own, so the verifier walks it once.
 */
#pragma once

#include "learned_entry.h"

/* Attempts while another CPU holds the place BUSY, which takes it some tens of nanoseconds. */
#define LEARNED_TRIES 4

/* Defines NAME_find(), which returns whether the key has an entry. seconds: as for
 * learned_find_in(). */
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

/* Makes NAME_DOES(), which calls FUNCTION until it is done, and returns its last result. It calls
 * helper steps in between, not from FUNCTION, so that stack frames do not add up. units: longest
 * validity of an entry. */
#define LEARNED_DO(with, name, does, function, units) \
	INLINE int name##_##does##_once_step(struct pkt_state *s) \
	{ \
		return function(&name, learned_mask(name), &s->learned); \
	} \
	STATE_STEP(with, name##_##does##_once) \
	INLINE int name##_##does##_step(struct pkt_state *s) \
	{ \
		int rc = LEARNED_AGAIN; \
		\
		s->learned.sought = false; \
		s->learned.longest = units; \
		_Pragma("clang loop unroll(disable)") \
		for (int i = 0; i < LEARNED_TRIES && rc == LEARNED_AGAIN; i++) { \
			rc = name##_##does##_once(s); \
			if (rc == LEARNED_SEEK) { \
				learned_rank_all(s); \
				rc = name##_##does##_once(s); \
			} \
		} \
		return rc; \
	} \
	STATE_STEP(with, name##_##does)

/* seconds: the longest validity of an entry. */
#define LEARNED_STORE(with, name, seconds) \
	LEARNED_DO(with, name, write, learned_store_in, learned_units(seconds)) \
	/* Returns false if all places hold LIVE entries, or other CPUs are writing the entry. */ \
	INLINE bool name##_store(struct pkt_state *s) \
	{ \
		return !name##_write(s); \
	}

#define LEARNED_LIMIT(with, name) \
	LEARNED_DO(with, name, try_charge, learned_charge_in, LEARNED_LONGEST) \
	/* Charges one event to the limit of s->learned.key, like limit_charge(); now: in ticks. A \
	 * source is not limited if the table has no place for it. */ \
	INLINE bool name##_charge(struct pkt_state *s, __u64 now, __u64 each, __u64 burst) \
	{ \
		int rc; \
		\
		s->learned.ticks = now; \
		s->learned.each = each; \
		s->learned.burst = burst; \
		rc = name##_try_charge(s); \
		return rc == 0 || rc == LEARNED_FULL; \
	}
