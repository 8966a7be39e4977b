/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Implements config_text.h.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "dataplane/config_text.h"
#include "dataplane/map_info.h"
#include "dataplane/pins.h"
#include "lib/memory.h"

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
