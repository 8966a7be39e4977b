/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A child of the daemon that does the same work each time it is asked. The kernel may let that work
 * wait, and the loop must not wait. The worker keeps its memory, so that it is quicker than a new
 * child each time. Only daemon.c includes it.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

struct worker;

/* Runs in the worker, which has none of the daemon's descriptors. Returns 0 or -errno. */
typedef int worker_work(void *data);
/* Called in the loop. rc: what the work returned; -ECHILD if the worker was killed. used: CPU time
 * in ms. */
typedef void worker_done(void *data, int rc, int64_t used);

struct worker *worker_new(uv_loop_t *loop, worker_work *work, worker_done *done, void *data);
/* Makes the worker a copy of the daemon as it is now. It must not be at work, and the daemon must
 * hold no lock. Returns 0 or -errno. */
int worker_fork(struct worker *w);
bool worker_runs(const struct worker *w);
/* Asks the worker to work. The caller calls it again only after done(). */
void worker_ask(struct worker *w);
