/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The maps and programs of a running instance, for the programs that run packets through it.
 */
#pragma once
#include <bpf/bpf.h>
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
