/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A ring buffer of the data path on the daemon's loop, which sleeps until there is something in it.
 */
#pragma once
#include <bpf/libbpf.h>
#include <linux/types.h>
#include <uv.h>

struct ring {				/* all 0 at first */
	uv_poll_t *poll;
	struct ring_buffer *buffer;
	__u32 map;			/* the id of its map */
};

/* Listens to the map that is pinned now: after `down` and `up` that is another one. 0 or -errno. */
int ring_listen(struct ring *r, uv_loop_t *loop, const char *instance, const char *name,
		ring_buffer_sample_fn take, void *data);
/* Reads what is in it, until take() returns less than 0. */
void ring_take(struct ring *r);
/* Between these it does not wake the loop; ring_go_on() reads what came meanwhile. */
void ring_pause(struct ring *r);
void ring_go_on(struct ring *r);
void ring_forget(struct ring *r);
