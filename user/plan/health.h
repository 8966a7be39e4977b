/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Decides from the data path's counters whether a backend answers. The daemon switches to the
 * standby by it, and `show` displays it.
 */
#pragma once
#include <stdbool.h>
#include "abi.h"

/* Returns whether the backend counts as down: the guard's limits of unanswered initiations, and of
 * the sources that sent them, are both reached. */
static inline bool backend_is_down(const struct guard *g, const struct health *h)
{
	return g->health_initiations && h->unanswered >= g->health_initiations &&
	       h->sources >= g->health_sources;
}
