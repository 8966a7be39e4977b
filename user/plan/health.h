/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Decides from the data path's counters whether a backend answers. The daemon switches to the
 * standby by it, and `show` displays it.
 */
#pragma once
#include <stdbool.h>
#include "abi.h"
#include "lib/jiffies.h"

/* Returns whether the backend counts as down: the guard's limits of unanswered initiations, and of
 * the sources that sent them, are both reached. */
static inline bool backend_is_down(const struct guard *g, const struct health *h)
{
	return g->health_initiations && h->unanswered >= g->health_initiations &&
	       h->sources >= g->health_sources;
}

/* Returns whether a client was answered within a session's life, so that it may have a session with
 * the backend, or standby, that serves. now: present time in jiffies. */
static inline bool backend_may_have_session(const struct health *h, __u64 now)
{
	return h->answered && now - h->answered < SESSION_SECONDS * jiffies_a_second();
}

/* Returns backend_is_down(), but counts only clients that the backend has answered, if there are
 * any: strangers cannot make it true. now: present time in jiffies. */
static inline bool backend_is_surely_down(const struct guard *g, const struct health *h, __u64 now)
{
	if (!backend_may_have_session(h, now))
		return backend_is_down(g, h);
	return g->health_initiations && h->known_unanswered >= g->health_initiations &&
	       h->known_sources >= g->health_sources;
}
