/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Watches whether an instance's pins go: with the last one the kernel lets go of what it holds, and
 * reports it to no process. The daemon uses it.
 */
#pragma once
#include <sys/stat.h>
#include <uv.h>

struct pins_watch {			/* all 0 at first */
	uv_fs_event_t event;
	struct stat is;			/* the watched directory */
	const char *instance;
	void (*gone)(void *data);
	void *data;
};

/* Calls gone() when the instance has no pins any more: they were removed, or bpffs was unmounted.
 * Call it again after anything that may have made the directory of all instances anew. 0 or
 * -errno. */
int pins_watch(struct pins_watch *w, uv_loop_t *loop, const char *instance,
	       void (*gone)(void *data), void *data);
