/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Writes an HTTP answer in a child process, because the answer may need a million counters.
 * exporter.c includes it.
 */
#pragma once
#include <uv.h>
#include "daemon/web.h"

/* Called when the answer is written. fd: a file with `size` bytes of it from `offset` on, which
 * the callee closes. `a` has status, type and policy, but no text. fd < 0: there is no answer. */
typedef void render_done(void *data, int fd, size_t offset, size_t size,
			 const struct web_answer *a);

/* Starts to write the answer. r: a request that web_reads_maps() accepts; it is not used after the
 * return. Returns 0; or -errno: then `done` is not called. */
int render(uv_loop_t *loop, const struct web *w, const struct web_request *r, render_done *done,
	   void *data);
