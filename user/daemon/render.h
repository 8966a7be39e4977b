/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Writes an HTTP answer in a child process, because the answer may need a million counters.
 * exporter.c includes it.
 */
#pragma once
#include <uv.h>
#include "daemon/web.h"

/* Called when the answer is written. fd: a file that holds `size` bytes of it from `offset` on, and
 * that the callee closes; negative: there is no answer. `a` has everything except the text. */
typedef void render_done(void *data, int fd, size_t offset, size_t size,
			 const struct web_answer *a);

/* Starts a child that writes the answer to r, for which web_takes_long() is true. r may be freed
 * after the return. Returns 0, or -errno, and then `done` is not called. */
int render(uv_loop_t *loop, const struct web *w, const struct web_request *r, render_done *done,
	   void *data);
