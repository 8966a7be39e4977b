/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The exporter: metrics and the status page (web.h) over HTTP, by libmicrohttpd on the daemon's
 * loop. The library is opened for the first address. Without it (WITH_MHD=0, or not installed) a
 * warning says that the configuration has no effect. daemon.c includes it.
 */
#pragma once
#include <uv.h>
#include "config/config.h"

struct exporter;

/* Makes the exporter. file: the name of the configuration file; NULL: none. Returns NULL if there
 * is no memory. */
struct exporter *exporter_new(uv_loop_t *loop, const char *instance, const char *file);
/* Serves at the configured addresses only. An address that cannot be listened on is a warning; the
 * next call tries again. */
void exporter_reconfigure(struct exporter *e, const struct config *c);
