/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Reads a BPF ring buffer of the data path on a libuv loop. The daemon includes it.
 */
#pragma once
#include <bpf/libbpf.h>
#include <linux/types.h>
#include <uv.h>

struct ring {				/* state of a listener; all zero before the first call */
	uv_poll_t *poll;
	struct ring_buffer *buffer;
	__u32 map;			/* id of the map of the ring buffer */
};

/* Begins to listen to the ring buffer with the pin `name`. Call it again after `down` and `up`,
 * when another map is pinned. Returns 0 or -errno. */
int ring_listen(struct ring *r, uv_loop_t *loop, const char *instance, const char *name,
		ring_buffer_sample_fn take, void *data);
/* After ring_pause(), new records no longer wake the loop. ring_go_on() ends that, and reads the
 * records that came meanwhile. */
void ring_pause(struct ring *r);
void ring_go_on(struct ring *r);
void ring_forget(struct ring *r);
