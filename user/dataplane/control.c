/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <bpf/bpf.h>
#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "dataplane/control.h"
#include "dataplane/map_info.h"
#include "lib/file.h"
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

/* ---- the text of the running configuration ---- */

/* Size of an array element in bytes: a page, so that the elements follow each other in memory
 * without gaps. New elements are zero. */
#define PAGE 4096

static char *whole_map(int map, int protection, size_t *ret_size)
{
	*ret_size = (size_t)map_entries(map) * PAGE;
	return map_memory(map, *ret_size, protection);
}

int config_text_make(const char *text, size_t n)
{
	LIBBPF_OPTS(bpf_map_create_opts, mappable, .map_flags = BPF_F_MMAPABLE);
	int rc, map = bpf_map_create(BPF_MAP_TYPE_ARRAY, "config_text", sizeof(__u32), PAGE,
				     n / PAGE + 1, &mappable);
	size_t size;
	char *memory;

	if (map < 0)
		return -errno;
	memory = whole_map(map, PROT_READ | PROT_WRITE, &size);
	if (!memory) {
		rc = -errno;
		close(map);
		return rc;
	}
	memcpy(memory, text, n);
	munmap(memory, size);
	return map;
}

__u32 config_text_id(const char *instance)
{
	return pin_map_id(instance, CONFIG_PIN);
}

int config_text_read(const char *instance, char **ret)
{
	int map = pin_get(instance, CONFIG_PIN), rc = 0;
	size_t size;
	char *memory;

	if (map < 0)
		return map;
	memory = whole_map(map, PROT_READ, &size);
	if (memory) {
		*ret = xstrndup(memory, size);
		munmap(memory, size);
	} else {
		rc = -errno;
	}
	close(map);
	return rc;
}
