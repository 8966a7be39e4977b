/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What a configuration undoes of changes by hand: somebody may have forgotten to write them down.
 * `up`, `reload` and the daemon include it.
 */
#pragma once
#include "config/config.h"

/* Reports it, a line each. old: what ran, or runs (NULL: nothing). done: it is undone; else it
 * would be. Returns whether there is any. */
bool undone_report(const struct config *old, const struct config *new, bool done);
