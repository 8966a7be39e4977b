/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Runs work that would delay the daemon's loop in a child process. The child is a copy of the
 * daemon, and shares nothing with the loop. Files of this room include it.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

struct child;

/* Work for a child process, which is killed after CHILD_SECONDS. Returns 0 on success. */
typedef int child_work(void *data);
/* Called in the daemon's loop when the child has ended. done: its work returned 0. */
typedef void child_ended(void *data, bool done);
#define CHILD_SECONDS 60

/* Calls fork(2). SIGTERM, SIGINT and SIGHUP are blocked in the child: libuv's handlers there would
 * tell the daemon of a signal to the child. */
pid_t child_fork(void);
/* Starts a child, and returns it. It exists until ended() is called, also if fork(2) failed. */
struct child *child_run(uv_loop_t *loop, child_work *work, child_ended *ended, void *data);
/* For the work of a child: lets the daemon's loop and all others go first. The child also closes
 * the descriptor of child_closes(): without CPU time, a killed child would keep its lock. */
void child_yields(void);
void child_closes(int fd);
/* Sends a signal to a child. */
void child_signal(struct child *c, int signal);
/* For the work of a child that calls execve(2): the child may run for any time, the daemon also
 * notices its end after the call, and the child gets this signal when the daemon ends. */
void child_lasts(int signal_at_end);
/* Kills a child and waits for its end. Calls ended() before it returns. */
void child_stop(struct child *c);

/* ---- a worker: a child that does the same work each time it is asked ----
 * The kernel may let that work wait, and the loop must not wait. The worker keeps its memory, so
 * that it is quicker than a new child each time. */

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
