/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * DynDNS in the daemon: runs each section of the configuration when the addresses of its interface
 * change, and every five minutes, in a thread of libuv's pool because it blocks. daemon.c includes
 * it.
 */
#pragma once
#include <uv.h>
#include "config/config.h"

struct ddns;

/* Returns NULL if there is no memory. */
struct ddns *ddns_new(uv_loop_t *loop, const char *instance);
/* Follows the configuration, which may have changed since the last call. */
void ddns_reconfigure(struct ddns *d, const struct config *c);
/* Reports that addresses of this host have changed: the records are checked soon, without waiting
 * for a pass. */
void ddns_changed(struct ddns *d);
/* Returns whether a thread is running. If so, only _exit() may end the program. */
bool ddns_busy(const struct ddns *d);
