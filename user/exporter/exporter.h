/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The exporter, a process of its own: metrics and the status page (web.h) over HTTP. It may read
 * maps and files, and nothing else (sandbox.h). cmd/ includes it.
 */
#pragma once
#include <stddef.h>

/* Serves at the addresses of the running configuration, and at the sockets of the service manager.
 * Ends with EXIT_DONE after SIGTERM, SIGINT or SIGHUP, and when the configuration of the exporter
 * changes: its supervisor starts it again. title, size: the memory of argv, in which its second
 * process writes its name. Returns an exit code. */
int exporter_run(const char *instance, char *title, size_t size);
