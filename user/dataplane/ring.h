/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A ring buffer of the data path's on the daemon's loop: who listens sleeps until there is something in it.
 */
#pragma once
#include <bpf/libbpf.h>
#include <linux/types.h>
#include <uv.h>

struct ring {				/* all 0 at first */
	uv_poll_t *poll;
	struct ring_buffer *buffer;
	__u32 map;			/* whose it is: its id */
};

/* Hears the one that is pinned now: after `down` and `up` that is another. 0 or -errno. */
int ring_listen(struct ring *r, uv_loop_t *loop, const char *instance, const char *name, ring_buffer_sample_fn take, void *data);
/* What is in it, until take() returns less than 0 */
void ring_take(struct ring *r);
/* Not woken until it goes on, which takes what has come meanwhile */
void ring_pause(struct ring *r);
void ring_go_on(struct ring *r);
void ring_forget(struct ring *r);
