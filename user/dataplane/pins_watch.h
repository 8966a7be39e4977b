/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Watches whether the pins of an instance are removed. The kernel frees everything with the last
 * pin and notifies no process. The daemon includes it.
 */
#pragma once
#include <sys/stat.h>
#include <uv.h>

struct pins_watch {			/* state of a watch; all zero before the first call */
	uv_fs_event_t event;
	struct stat is;
	const char *instance;
	void (*gone)(void *data);
	void *data;
};

/* Calls gone() when the instance has no pins any more, because they were removed or bpffs was
 * unmounted. Call this again after any step that may have created PINS_DIR again. Returns 0 or
 * -errno. */
int pins_watch(struct pins_watch *w, uv_loop_t *loop, const char *instance,
	       void (*gone)(void *data), void *data);
