/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Implements ring.h: libuv polls the epoll descriptor that libbpf makes for the ring buffer.
 */
#include <errno.h>
#include "dataplane/map_info.h"
#include "dataplane/pins.h"
#include "dataplane/ring.h"
#include "lib/file.h"
#include "lib/memory.h"

/* Passes all records in the ring buffer to take(), until take() returns a negative value. */
static void on_poll(uv_poll_t *poll, int status, int events)
{
	struct ring *r = poll->data;

	ring_buffer__consume(r->buffer);
}

void ring_pause(struct ring *r)
{
	if (r->poll)
		uv_poll_stop(r->poll);
}

void ring_go_on(struct ring *r)
{
	if (!r->poll)
		return;
	uv_poll_start(r->poll, UV_READABLE, on_poll);
	ring_buffer__consume(r->buffer);
}

static void on_closed(uv_handle_t *handle)
{
	free(handle);
}

void ring_forget(struct ring *r)
{
	if (r->poll)
		uv_close((uv_handle_t *)r->poll, on_closed);
	ring_buffer__free(r->buffer);
	*r = (struct ring){ 0 };
}

static int open_ring(struct ring *r, uv_loop_t *loop, int map, ring_buffer_sample_fn take,
		     void *data)
{
	int rc;

	r->buffer = ring_buffer__new(map, take, data, NULL);
	if (!r->buffer)
		return -errno;
	r->poll = xcalloc(1, sizeof(*r->poll));
	rc = uv_poll_init(loop, r->poll, ring_buffer__epoll_fd(r->buffer));
	if (rc) {
		free(r->poll);
		r->poll = NULL;
		return rc;
	}
	r->poll->data = r;
	return uv_poll_start(r->poll, UV_READABLE, on_poll);
}

int ring_listen(struct ring *r, uv_loop_t *loop, const char *instance, const char *name,
		ring_buffer_sample_fn take, void *data)
{
	int map = pin_get(instance, "%s", name), rc = 0;
	__u32 id = map_info(map).id;

	if (!r->poll || id != r->map) {
		ring_forget(r);
		r->map = id;
		rc = map < 0 ? map : open_ring(r, loop, map, take, data);
	}
	fd_close(map);
	return rc;
}
