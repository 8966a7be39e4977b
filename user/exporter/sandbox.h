/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Takes from the exporter what it does not need, because it talks with strangers. exporter.c and
 * the unit tests include it.
 */
#pragma once
#include <linux/types.h>

/* Keeps only these capabilities of the process, as bits 1 << CAP_… (below 64), and forbids new
 * ones. Returns 0 or -errno. */
int sandbox_keep(__u64 capabilities);
/* Lets the process, and threads and children that it makes later, only read: it cannot change a BPF
 * map, a file or another process, connect a socket or run a program. Threads that run already are
 * not affected. Call sandbox_keep() before. Returns 0, -ENOSYS if wgxdp has no filter for this
 * architecture, or another -errno. */
int sandbox_read_only(void);
