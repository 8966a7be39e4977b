/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Decides from the data path's counters whether a backend answers. The daemon switches to the
 * standby by it, and `show` displays it.
 */
#pragma once
#include <stdbool.h>
#include "abi.h"

/* Returns true if the backend left so many initiations from so many sources unanswered that the
 * guard counts it as down. */
static inline bool backend_is_down(const struct guard *g, const struct health *h)
{
	return g->health_initiations && h->unanswered >= g->health_initiations &&
	       __builtin_popcountll(h->sources) >= (int)g->health_sources;
}
