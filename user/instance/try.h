/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A change on trial (`up --try`): unless it is kept within its time, what ran before comes back. The one that sees to that is
 * a child of its own session, which outlives the shell, the terminal and the command.
 */
#pragma once
#include "config/config.h"

#define TRY_MAX 86400			/* seconds */

struct try;

/* Before the change, by the holder of the instance's lock (a fd, which the child lets go of). -EBUSY: another is on trial,
 * told like every error. */
int try_begin(const char *instance, unsigned int seconds, int lock, struct try **ret);
/* The change is made: the time runs. The lock is to be free from now on. Waits until it is kept or rolled back: 0 or
 * -ECANCELED, told. */
int try_wait(struct try *t);
/* The change was not made: nothing to keep or to roll back */
void try_abandon(struct try *t);
/* Whatever is on trial is kept; by the holder of the lock */
void try_keep(const char *instance);
