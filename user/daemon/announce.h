/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * announce: keeps a kernel route for each site whose tunnel is alive, in a routing table of its
 * own. A routing daemon announces these routes to other relays. The data path does not read that
 * table. daemon.c includes this header, and so does cmd_down.c, to clear the table.
 */
#pragma once
#include <uv.h>
#include "config/config.h"

#define ANNOUNCE_PROTOCOL 119	/* marks our routes; the daemon leaves other routes alone */
#define ANNOUNCE_METRIC 1024

struct announce;

struct announce *announce_new(uv_loop_t *loop, const char *instance);
/* Announces what c configures, and follows the kernel's routes. Removes its routes from another
 * table, also those of an earlier daemon. */
void announce_reconfigure(struct announce *a, const struct config *c);
/* Returns the table in which a daemon has announced routes of this instance; 0: none. */
__u32 announce_table(const char *instance);
/* Removes our routes from the table: call it when no daemon will update them any more. */
void announce_clear(__u32 table);
