/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Writes the map uniform, which is mapped: single words change while packets read, and the data
 * path does not trust it meanwhile.
 */
#include <errno.h>
#include <sys/mman.h>
#include "dataplane/control.h"
#include "dataplane/dataplane.h"

static void distrust_uniform(const struct dataplane *dp, bool ask_anew)
{
	struct control *c = control_map(map_fd(dp, MAP_control));

	if (!c)
		return;
	control_set_heartbeat(c, 0);
	if (ask_anew)
		control_forget_nexthops(c);
	control_unmap(c);
}

int dataplane_uniform(const struct dataplane *dp, const struct uniform *u)
{
	size_t size = sizeof(u->rows), n = UNIFORM_BLOCKS * UNIFORM_ROWS * UNIFORM_ROW;
	const __u16 *from = u->rows[0].slot;
	__u16 *to =
		mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, map_fd(dp, MAP_uniform), 0);
	bool written = false;

	if (to == MAP_FAILED)
		return -errno;
	for (size_t i = 0; i < n; i++) {
		if (to[i] == from[i])
			continue;
		if (!written)
			distrust_uniform(dp, false);
		written = true;
		__atomic_store_n(&to[i], from[i], __ATOMIC_RELAXED);
	}
	munmap(to, size);
	if (written)
		distrust_uniform(dp, true);
	return 0;
}
