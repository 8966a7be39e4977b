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

void control_set_heartbeat(struct control *c, __u64 until)
{
	__atomic_store_n(&c->heartbeat, until, __ATOMIC_RELEASE);
}

/* Maps the map `control` of an instance. Returns NULL and sets *ret_rc to -errno on failure. */
static struct control *control_of(const char *instance, int *ret_rc)
{
	int fd = pin_get(instance, "control");
	struct control *c = fd < 0 ? NULL : control_map(fd);

	*ret_rc = fd < 0 ? fd : c ? 0 : -errno;
	fd_close(fd);
	return c;
}

int control_routing_changed(const char *instance, bool routes)
{
	int rc;
	struct control *c = control_of(instance, &rc);

	if (!c)
		return rc;
	if (routes)
		control_set_heartbeat(c, 0);
	control_forget_nexthops(c);
	control_unmap(c);
	return 0;
}

int control_heartbeat(const char *instance, const struct signal *signal)
{
	int rc;
	struct control *c = control_of(instance, &rc);

	if (!c)
		return rc;
	control_set_heartbeat(c, signal->jiffies + HEARTBEAT_SECONDS * jiffies_a_second());
	control_unmap(c);
	return 0;
}
