/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A running instance's maps: pinned ones given to the host plane, and emptied. Part of run_packets.c and run_planes.c, which have die() and
 * pinned().
 */
#ifndef RUN_HOST_H
#define RUN_HOST_H

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>
#include "host/host_plane.h"
#include "dataplane/map_info.h"

static void copy_array(const char *name)
{
	int fd = pinned(name);
	__u32 n = map_entries(fd);
	void *value = calloc(1, map_info(fd).value_size);

	host_plane_resize(name, n);
	for (__u32 i = 0; i < n; i++) {
		if (bpf_map_lookup_elem(fd, &i, value))
			die(name);
		host_plane_write(name, &i, value);
	}
	free(value);
	close(fd);
}

static void copy_trie_of(const char *name)
{
	struct source_key key, *last = NULL;
	int fd = pinned(name);
	__u32 value;			/* or __u8 */

	host_plane_resize(name, 1024);
	for (; !bpf_map_get_next_key(fd, last, &key); last = &key)
		if (!bpf_map_lookup_elem(fd, &key, &value))
			host_plane_write(name, &key, &value);
	close(fd);
}

static void copy_trie(void)
{
	copy_trie_of("source_trie");
	copy_trie_of("lists");
}

/* Clears what an earlier run left */
static void forget(const char *map)
{
	__u8 key[64];
	int fd = pinned(map);

	while (!bpf_map_get_next_key(fd, NULL, key))
		if (bpf_map_delete_elem(fd, key) && errno != ENOENT)
			die(map);
	close(fd);
}

/* ... in an array that can be mapped */
static inline void forget_array(const char *map)
{
	int fd = pinned(map);
	struct bpf_map_info info = map_info(fd);
	size_t size = (size_t)info.max_entries * info.value_size;
	void *values = map_memory(fd, size, PROT_READ | PROT_WRITE);

	if (!values)
		die(map);
	memset(values, 0, size);
	munmap(values, size);
	close(fd);
}

#endif
