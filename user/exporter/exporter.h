/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The exporter, a process of its own: metrics and the status page (web.h) over HTTP. It may read
 * maps and files, and nothing else. cmd/ includes it.
 */
#pragma once
#include <linux/types.h>
#include <stddef.h>

/* Serves at the addresses of the running configuration, and at the sockets of the service manager.
 * Ends with EXIT_DONE after SIGTERM, SIGINT or SIGHUP, and when the configuration of the exporter
 * changes: its supervisor starts it again. title, size: the memory of argv, in which its second
 * process writes its name. Returns an exit code. */
int exporter_run(const char *instance, char *title, size_t size);

/* Keeps only these capabilities of the process, as bits 1 << CAP_… (below 64), and forbids new
 * ones. Returns 0 or -errno. */
int sandbox_keep(__u64 capabilities);
/* Lets the process, and threads and children that it makes later, only read: it cannot change a BPF
 * map, a file or another process, connect a socket or run a program. Threads that run already are
 * not affected. Call sandbox_keep() before. Returns 0, -ENOSYS if wgxdp has no filter for this
 * architecture, or another -errno. */
int sandbox_read_only(void);
