/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The maps and programs of a running instance, for the programs that run packets through it.
 */
#pragma once
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *instance;

/* Ends the program with errno's message */
static void die(const char *what)
{
	fprintf(stderr, "%s: %s: %s\n", program_invocation_short_name, what, strerror(errno));
	exit(1);
}

/* Returns an fd of the object that is pinned by this name */
static int pinned(const char *name)
{
	char path[256];
	int fd;

	snprintf(path, sizeof(path), "/sys/fs/bpf/wgxdp/%s/%s", instance, name);
	fd = bpf_obj_get(path);
	if (fd < 0)
		die(path);
	return fd;
}

/* Returns the name of the map's pin, or NULL if it has none. A data section has the pin of its variable. */
static inline const char *pin_of(const struct bpf_map *map)
{
	const char *name = bpf_map__name(map);

	if (strstr(name, ".bss"))
		return "express_cpus";
	return !strchr(name, '.') ? name : strncmp(name, ".data.", 6) ? NULL : name + 6;
}
