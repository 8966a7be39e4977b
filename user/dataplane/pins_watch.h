/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Whether the pins of an instance go: with the last one the kernel lets go of what it holds, and tells nobody.
 */
#pragma once
#include <sys/stat.h>
#include <uv.h>

struct pins_watch {			/* all 0 at first */
	uv_fs_event_t event;
	struct stat is;			/* the directory that is watched */
	const char *instance;
	void (*gone)(void *data);
	void *data;
};

/* Calls gone() where the instance has none any more: removed, or with bpffs unmounted. To be called again after what may have made the
 * directory of all instances anew. 0 or -errno. */
int pins_watch(struct pins_watch *w, uv_loop_t *loop, const char *instance, void (*gone)(void *data), void *data);
