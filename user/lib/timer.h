/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Small helpers for libuv's timers, and a clock. daemon/, exporter/ and the resolver include it.
 */
#pragma once
#include <stdbool.h>
#include <uv.h>

/* Initializes a timer of this loop. Its callback finds `data` in timer->data. */
static inline void timer_init(uv_loop_t *loop, uv_timer_t *timer, void *data)
{
	uv_timer_init(loop, timer);
	timer->data = data;
}

static inline bool timer_runs(const uv_timer_t *timer)
{
	return uv_is_active((const uv_handle_t *)timer);
}

/* Returns a time in ms that only goes forward; its zero is arbitrary. */
static inline uint64_t clock_ms(void)
{
	return uv_hrtime() / 1000000;
}

/* wanted: starts the timer, unless it runs already. Otherwise stops it. */
static inline void timer_repeat(uv_timer_t *timer, bool wanted, uv_timer_cb callback,
				uint64_t first_ms, uint64_t ms)
{
	if (!wanted)
		uv_timer_stop(timer);
	else if (!timer_runs(timer))
		uv_timer_start(timer, callback, first_ms, ms);
}

/* Starts the timer for its next tick, in tick_ms. began: clock_ms() when this tick began. If this
 * tick took long, the next one waits twice as long: ticks must not use up the daemon's time. */
static inline void timer_next(uv_timer_t *timer, uv_timer_cb callback, uint64_t tick_ms,
			      uint64_t began)
{
	uint64_t took = clock_ms() - began;

	uv_timer_start(timer, callback, took > tick_ms / 2 ? 2 * took : tick_ms, 0);
}

/* Returns how long to wait after another failure: twice the `last` delay but at most `most`, or
 * `least` if there was no delay yet (last is 0). */
static inline uint64_t next_wait(uint64_t last, uint64_t least, uint64_t most)
{
	return !last ? least : 2 * last < most ? 2 * last : most;
}
