/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The data path's clock. The kernel does not publish its jiffies. They are CLOCK_MONOTONIC in
 * ticks, plus their first value (INITIAL_JIFFIES), less the time of boot before the first tick. The
 * values here may be some seconds ahead.
 */
#pragma once
#include <linux/types.h>
#include <time.h>

static inline __u64 jiffies_tick(void)	/* nanoseconds */
{
	struct timespec tick;

	clock_getres(CLOCK_MONOTONIC_COARSE, &tick);
	return tick.tv_nsec;
}

static inline __u32 jiffies_a_second(void)
{
	return (1000000000 + jiffies_tick() / 2) / jiffies_tick();
}

static inline __u64 jiffies_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (__u32)(-300 * (__s32)jiffies_a_second()) +
	       (now.tv_sec * 1000000000ULL + now.tv_nsec) / jiffies_tick();
}
