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

struct ddns *ddns_new(uv_loop_t *loop, const char *instance);
/* Keeps the DNS records that c configures up to date; c may be the same as before. */
void ddns_reconfigure(struct ddns *d, const struct config *c);
/* Call this when addresses of this host have changed: the records are checked soon, without waiting
 * for a pass of the daemon. */
void ddns_changed(struct ddns *d);
/* Returns whether a thread still runs a provider. Then only _exit() can end the program at once. */
bool ddns_busy(const struct ddns *d);
