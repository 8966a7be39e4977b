/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Runs `wgxdp exporter` as a child of the daemon while the configuration has addresses for it, and
 * starts it again when it ends. daemon.c includes it.
 */
#pragma once
#include <uv.h>
#include "config/config.h"

struct exporter;

/* Makes it. n_sockets: the number of sockets from notify_sockets(), which the child inherits. */
struct exporter *exporter_new(uv_loop_t *loop, const char *instance, unsigned int n_sockets);
/* Starts or stops the child as c needs. The child itself notices other changes of c. */
void exporter_reconfigure(struct exporter *e, const struct config *c);
/* Makes the child begin again, so that it reads the files of web-config. */
void exporter_reload(struct exporter *e);
