/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Writes the map `uniform` in a child, because that takes longer than a packet may wait. Only
 * daemon.c includes it.
 */
#pragma once
#include <linux/types.h>
#include <stdbool.h>
#include <uv.h>

struct uniform_filler;

/* done: called when a child has ended. */
struct uniform_filler *uniform_filler_new(uv_loop_t *loop, const char *instance,
					  void (*done)(void *data), void *data);
/* Sets the hash of the contents that the map needs (uniform_writer.h); 0: none. If the map has
 * other contents, a child writes it. */
void uniform_filler_need(struct uniform_filler *f, __u64 hash);
/* Returns whether the map has the contents that it needs. */
bool uniform_filler_has(const struct uniform_filler *f);
