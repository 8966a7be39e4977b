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

/* Makes the exporter. file: the name of the configuration file; NULL: none. n_sockets: the number
 * of sockets from notify_sockets(), which stay open. Returns NULL if there is no memory. */
struct exporter *exporter_new(uv_loop_t *loop, const char *instance, const char *file,
			      unsigned int n_sockets);
/* Serves at exactly the addresses that c configures, and at the service manager's sockets if c says
 * `systemd`. If it cannot listen on an address, it prints a warning and tries again at the next
 * call. If the file of web-config is wrong, the last one from there stays in use until a reload. */
void exporter_reconfigure(struct exporter *e, const struct config *c);
/* Makes the next exporter_reconfigure() serve nothing if the file of web-config is wrong. */
void exporter_reload(struct exporter *e);
