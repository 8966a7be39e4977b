/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Makes a change on trial (`--try`). Unless the user keeps it in time, the former configuration is
 * restored. A child process in its own session does that, which continues even if the shell, the
 * terminal or the command ends. cmd/ and daemon/ include it.
 */
#pragma once
#include "config/config.h"

#define TRY_MAX 86400			/* longest trial (`up --try`), in seconds */

struct try;

/* Begins a trial, before the change is made, with a child that can roll it back. lock: fd of the
 * instance's lock, which the child closes. Returns 0, or -errno after printing an error: -EBUSY if
 * another change is on trial. */
int try_begin(const char *instance, unsigned int seconds, int lock, struct try **ret);
/* Starts the time of the trial, after the change was made. The caller still holds the lock. */
void try_applied(struct try *t);
/* Waits, without the lock, until the trial ends, and prints how. Returns 0 if the change is kept,
 * or -ECANCELED if it was rolled back, replaced or taken down. */
int try_wait(struct try *t);
/* Ends the trial because the change failed: there is nothing to keep or to roll back. */
void try_abandon(struct try *t);
/* Returns whether a change is on trial. */
bool try_runs(const char *instance);
/* Ends a trial, if there is one, and tells the waiting command why. The caller holds the lock.
 * Returns whether there was a trial. */
enum try_end { TRY_KEPT = 'k', TRY_REPLACED = 'u', TRY_DOWN = 'd' };
bool try_end(const char *instance, enum try_end why);
