/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The exporter: metrics and the status page (web.h) over HTTP, by libmicrohttpd on the daemon's loop. The library is opened for the
 * first address to listen on. Without it (WITH_MHD=0, or not installed) a warning says that the configuration has no effect.
 */
#pragma once
#include <uv.h>
#include "config/config.h"

struct exporter;

/* file: the configuration's, or NULL */
int exporter_new(uv_loop_t *loop, const char *instance, const char *file, struct exporter **ret);
/* Serves where the configuration says, and nowhere else. An address that cannot be listened on is a warning; it is tried again
 * at the next call. */
void exporter_renew(struct exporter *e, const struct config *c);
