/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The map uniform and the heartbeat without which nobody believes it. Both maps are mapped: single words change, under readers.
 */
#include <errno.h>
#include <sys/mman.h>
#include <time.h>
#include "dataplane.h"

#define HEARTBEAT_SECONDS 2

static void *map_memory(const struct dataplane *dp, enum dataplane_map m, size_t size)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, dp->maps[m], 0);

	return memory == MAP_FAILED ? NULL : memory;
}

static void set_heartbeat(const struct dataplane *dp, __u64 until, bool ask_anew)
{
	struct control *c = map_memory(dp, MAP_control, sizeof(*c));

	if (!c)
		return;
	__atomic_store_n(&c->heartbeat, until, __ATOMIC_RELEASE);
	if (ask_anew)
		__atomic_fetch_add(&c->generation, 1, __ATOMIC_RELEASE);
	munmap(c, sizeof(*c));
}

void dataplane_uniform_stop(const struct dataplane *dp)
{
	set_heartbeat(dp, 0, true);
}

void dataplane_heartbeat(const struct dataplane *dp, const struct signal *signal)
{
	struct timespec tick;

	clock_getres(CLOCK_MONOTONIC_COARSE, &tick);	/* a jiffy */
	set_heartbeat(dp, signal->jiffies + HEARTBEAT_SECONDS * (1000000000 / tick.tv_nsec), false);
}

int dataplane_uniform(const struct dataplane *dp, const struct uniform *u)
{
	size_t size = sizeof(u->rows), n = UNIFORM_BLOCKS * UNIFORM_ROWS * UNIFORM_ROW;
	const __u16 *from = u->rows[0].slot;
	__u16 *to = map_memory(dp, MAP_uniform, size);

	if (!to)
		return -errno;
	set_heartbeat(dp, 0, false);
	for (size_t i = 0; i < n; i++)
		if (to[i] != from[i])
			__atomic_store_n(&to[i], from[i], __ATOMIC_RELAXED);
	munmap(to, size);
	set_heartbeat(dp, 0, true);
	return 0;
}
