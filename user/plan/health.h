/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Whether a backend answers, from what the data path has counted. The daemon decides by this, and `show` tells it.
 */
#pragma once
#include <stdbool.h>
#include "abi.h"

/* Whether the backend has left unanswered what struct guard says */
static inline bool backend_is_down(const struct guard *g, const struct health *h)
{
	return g->health_initiations && h->unanswered >= g->health_initiations && __builtin_popcountll(h->sources) >= (int)g->health_sources;
}
