/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Follows the lists of clients that other programs keep: sets of nftables by the kernel's
 * notifications, and files by inotify. daemon.c includes it.
 */
#pragma once
#include <uv.h>
#include "config/config.h"

struct lists;

/* full: called when the lists have outgrown the hints, so that a pass enlarges these. */
struct lists *lists_new(uv_loop_t *loop, const char *instance, void (*full)(void *data),
			void *data);
/* Follows the lists of this configuration. Call it after each pass. */
void lists_reconfigure(struct lists *l, const struct config *c);
