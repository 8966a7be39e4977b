/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * DynDNS in the daemon: sections of the configuration are carried out at once when their interface's addresses change, and every
 * five minutes, each in a thread of libuv's pool, for it blocks.
 */
#pragma once
#include <uv.h>
#include "config/config.h"

struct ddns;

int ddns_new(uv_loop_t *loop, const char *instance, struct ddns **ret);
/* The configuration may be another than at the last call */
void ddns_renew(struct ddns *d, const struct config *c);
/* Addresses of this host have changed: they are looked at soon, without waiting for a pass */
void ddns_changed(struct ddns *d);
/* Whether a thread is at it now: then only _exit() may end the program */
bool ddns_busy(const struct ddns *d);
