/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Work of the daemon that takes longer than its loop may be late. A child process does it: a copy
 * of the daemon, which shares nothing with the loop. render.c and blind.c include it.
 */
#pragma once
#include <stdbool.h>
#include <uv.h>

/* In the child; returns 0 if it is done. After CHILD_SECONDS the child is ended. */
typedef int child_work(void *data);
/* In the daemon's loop, when the child has ended; done: it returned 0 */
typedef void child_ended(void *data, bool done);
#define CHILD_SECONDS 60

/* Begins. Returns 0 or -errno; then `ended` is not called. */
int child_run(uv_loop_t *loop, child_work *work, child_ended *ended, void *data);
