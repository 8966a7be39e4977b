/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Whether a backend answers, from the data path's counters. The daemon decides by it, and `show`
 * displays it.
 */
#pragma once
#include <stdbool.h>
#include "abi.h"

/* Whether the backend left as many initiations, from as many sources, unanswered as the guard
 * allows. */
static inline bool backend_is_down(const struct guard *g, const struct health *h)
{
	return g->health_initiations && h->unanswered >= g->health_initiations &&
	       __builtin_popcountll(h->sources) >= (int)g->health_sources;
}
