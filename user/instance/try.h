/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Makes a change on trial (`--try`). Unless the user keeps it in time, the former configuration is
 * restored. A child process in its own session does that, which continues even if the shell, the
 * terminal or the command ends. cmd/ and daemon/ include it.
 */
#pragma once
#include "config/config.h"

#define TRY_MAX 86400			/* longest trial, in seconds */

struct try;

/* Begins a trial. Call it before the change, with the instance's lock, whose fd the child closes.
 * Returns 0, -EBUSY if another change is on trial, or another -errno. Errors are printed. */
int try_begin(const char *instance, unsigned int seconds, int lock, struct try **ret);
/* Starts the time of the trial. Call it after the change was made, with the lock held. */
void try_applied(struct try *t);
/* Waits until the change is kept (returns 0), or is rolled back, replaced or taken down (returns
 * -ECANCELED), and prints which. Call it after that, without the lock. */
int try_wait(struct try *t);
/* Ends the trial because the change was not made, so there is nothing to keep or to roll back. */
void try_abandon(struct try *t);
/* Ends the trial, if there is one, and tells the command that waits for it why. The caller holds
 * the lock. Returns whether there was a trial. */
enum try_end { TRY_KEPT = 'k', TRY_REPLACED = 'u', TRY_DOWN = 'd' };
bool try_end(const char *instance, enum try_end why);
