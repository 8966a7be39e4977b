/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The map control as memory.
 */
#include <errno.h>
#include <stddef.h>
#include <sys/mman.h>
#include <unistd.h>
#include "control.h"
#include "pins.h"

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

int control_forget_nexthops_of(const char *instance)
{
	int fd = pin_get(instance, "control"), rc = 0;
	struct control *c = fd >= 0 ? control_map(fd) : NULL;

	if (c)
		control_forget_nexthops(c);
	else
		rc = -errno;
	control_unmap(c);
	if (fd >= 0)
		close(fd);
	return rc;
}
