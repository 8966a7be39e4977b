/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * libuv's timers, as the daemon's parts and the resolver use them.
 */
#pragma once
#include <stdbool.h>
#include <uv.h>

/* Gives the timer to a loop; data: what its callback finds in timer->data */
static inline void timer_init(uv_loop_t *loop, uv_timer_t *timer, void *data)
{
	uv_timer_init(loop, timer);
	timer->data = data;
}

static inline bool timer_runs(const uv_timer_t *timer)
{
	return uv_is_active((const uv_handle_t *)timer);
}

/* Stops the timer unless it is wanted; else starts it, but leaves one that runs alone */
static inline void timer_repeat(uv_timer_t *timer, bool wanted, uv_timer_cb callback,
				uint64_t first_ms, uint64_t ms)
{
	if (!wanted)
		uv_timer_stop(timer);
	else if (!timer_runs(timer))
		uv_timer_start(timer, callback, first_ms, ms);
}

/* Returns how long to wait after one more failure: twice as long as `last` time, or at first (0)
 * `least`, but never longer than `most` */
static inline uint64_t next_wait(uint64_t last, uint64_t least, uint64_t most)
{
	return !last ? least : 2 * last < most ? 2 * last : most;
}
