/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Computes the kernel's jiffies, which are the data path's clock but which the kernel does not
 * publish. Jiffies are CLOCK_MONOTONIC in ticks plus INITIAL_JIFFIES, minus the boot time before
 * the first tick. That last part is unknown here, so the result may be some seconds ahead. cmd/,
 * daemon/, dataplane/, plan/ and show/ include it.
 */
#pragma once
#include <linux/types.h>
#include <time.h>

static inline __u64 jiffies_tick(void)	/* returns the length of a jiffy in nanoseconds */
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
