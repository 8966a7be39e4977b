/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include "dataplane/pins.h"
#include "dataplane/pins_watch.h"

static void on_event(uv_fs_event_t *event, const char *name, int events, int status)
{
	struct pins_watch *w = event->data;

	if (!pins_exist(w->instance))
		w->gone(w->data);
}

int pins_watch(struct pins_watch *w, uv_loop_t *loop, const char *instance,
	       void (*gone)(void *data), void *data)
{
	struct stat is;

	if (stat(PINS_DIR, &is))
		return -errno;
	if (is.st_dev == w->is.st_dev && is.st_ino == w->is.st_ino)
		return 0;
	if (!w->gone)
		uv_fs_event_init(loop, &w->event);
	w->instance = instance;
	w->gone = gone;
	w->data = data;
	w->is = is;
	w->event.data = w;
	uv_fs_event_stop(&w->event);
	return uv_fs_event_start(&w->event, on_event, PINS_DIR, 0);
}
