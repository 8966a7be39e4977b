/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Maps the arrays of a running instance into memory, for programs that read the table of flows.
 */
#ifndef PINNED_ARRAY_H
#define PINNED_ARRAY_H

#include <bpf/bpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "dataplane/map_info.h"

/* Returns the values of the map that is pinned in the directory, for reading and writing, and their number in
 * *ret_n. If that fails, the program ends with a message. */
static inline void *pinned_array(const char *directory, const char *name, __u32 *ret_n)
{
	struct bpf_map_info info = { 0 };
	void *memory = NULL;
	char path[256];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	fd = bpf_obj_get(path);
	if (fd >= 0) {
		info = map_info(fd);
		memory = map_memory(fd, (size_t)info.max_entries * info.value_size, PROT_READ | PROT_WRITE);
	}
	if (!memory) {
		fprintf(stderr, "%s: %s: %s\n", program_invocation_short_name, path, strerror(errno));
		exit(1);
	}
	*ret_n = info.max_entries;
	return memory;
}

#endif
