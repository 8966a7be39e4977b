/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The map control as memory.
 */
#include <errno.h>
#include <stddef.h>
#include <sys/mman.h>
#include <unistd.h>
#include "dataplane/control.h"
#include "lib/jiffies.h"
#include "dataplane/pins.h"

#define HEARTBEAT_SECONDS 2

struct control *control_map(int map)
{
	struct control *c = mmap(NULL, sizeof(*c), PROT_READ | PROT_WRITE, MAP_SHARED, map, 0);

	return c == MAP_FAILED ? NULL : c;
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

static int control_of(const char *instance, struct control **ret)
{
	int fd = pin_get(instance, "control"), rc = 0;

	if (fd < 0)
		return fd;
	*ret = control_map(fd);
	if (!*ret)
		rc = -errno;
	close(fd);
	return rc;
}

int control_routing_changed(const char *instance, bool routes)
{
	struct control *c;
	int rc = control_of(instance, &c);

	if (rc)
		return rc;
	if (routes)
		control_set_heartbeat(c, 0);
	control_forget_nexthops(c);
	control_unmap(c);
	return 0;
}

int control_heartbeat(const char *instance, const struct signal *signal)
{
	struct control *c;
	int rc = control_of(instance, &c);

	if (rc)
		return rc;
	control_set_heartbeat(c, signal->jiffies + HEARTBEAT_SECONDS * jiffies_a_second());
	control_unmap(c);
	return 0;
}
