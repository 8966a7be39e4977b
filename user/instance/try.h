/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A change on trial (`--try`): unless it is kept in time, what ran before comes back. A child in a
 * session of its own does that, and outlives shell, terminal and command. `up`, `reload`, `down`
 * and the daemon include it.
 */
#pragma once
#include "config/config.h"

#define TRY_MAX 86400			/* seconds */

struct try;

/* Before the change, under the instance's lock; the child closes its copy of that fd. Returns 0;
 * -EBUSY: another change is on trial; or -errno (reported). */
int try_begin(const char *instance, unsigned int seconds, int lock, struct try **ret);
/* After the change was made, under the lock */
void try_applied(struct try *t);
/* After that, without the lock: waits until it is kept (0), or rolled back,
 * replaced or taken down (-ECANCELED), and reports which */
int try_wait(struct try *t);
/* The change was not made: there is nothing to keep or to roll back */
void try_abandon(struct try *t);
/* Ends the trial, if there is one, and tells its command why. Under the lock. Returns whether there
 * was one. */
enum try_end { TRY_KEPT = 'k', TRY_REPLACED = 'u', TRY_DOWN = 'd' };
bool try_end(const char *instance, enum try_end why);
