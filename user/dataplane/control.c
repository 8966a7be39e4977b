/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Implements control.h.
 */
#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include "dataplane/control.h"
#include "dataplane/map_info.h"
#include "lib/fd.h"
#include "lib/jiffies.h"
#include "dataplane/pins.h"
#include "lib/memory.h"

#define HEARTBEAT_SECONDS 2

int control_read(int map, struct control *ret)
{
	__u32 zero = 0, size = map_info(map).value_size;
	void *value = xcalloc(1, size > sizeof(*ret) ? size : sizeof(*ret));
	int rc = bpf_map_lookup_elem(map, &zero, value) ? -errno : 0;

	if (!rc)
		memcpy(ret, value, sizeof(*ret));
	free(value);
	return rc;
}

struct control *control_map(int map)
{
	return map_memory(map, sizeof(struct control), PROT_READ | PROT_WRITE);
}

void control_unmap(struct control *c)
{
	if (c)
		munmap(c, sizeof(*c));
}

void control_forget_nexthops(struct control *c)
{
	__atomic_add_fetch(&c->generation, 1, __ATOMIC_RELEASE);
}

static void set_heartbeat(struct control *c, __u64 until)
{
	__atomic_store_n(&c->heartbeat, until, __ATOMIC_RELEASE);
}

void control_forget(int map, bool decisions, bool uniform)
{
	struct control *c = control_map(map);

	if (!c)
		return;
	if (uniform)
		set_heartbeat(c, 0);
	if (decisions)
		control_forget_nexthops(c);
	control_unmap(c);
}

void control_routing_changed(const char *instance, bool routes)
{
	int map = pin_get(instance, "control");

	control_forget(map, true, routes);
	fd_close(map);
}

void control_heartbeat(const char *instance, const struct signal *signal)
{
	int map = pin_get(instance, "control");
	struct control *c = control_map(map);

	if (c)
		set_heartbeat(c, signal->jiffies + HEARTBEAT_SECONDS * jiffies_a_second());
	control_unmap(c);
	fd_close(map);
}
