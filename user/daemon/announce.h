/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * announce: keeps a kernel route for each site whose tunnel is alive, in a routing table of its
 * own. A routing daemon announces these routes to other relays. The data path does not read that
 * table. daemon.c includes this header, and so does cmd_down.c, to clear the table.
 */
#pragma once
#include <uv.h>
#include "config/config.h"

#define ANNOUNCE_PROTOCOL 119	/* protocol number of our routes; other routes are left alone */
#define ANNOUNCE_METRIC 1024

struct announce;

struct announce *announce_new(uv_loop_t *loop);	/* returns NULL if there is no memory */
/* Follows a change of the configuration or of the kernel's routes. Without announce in the
 * configuration, it removes its routes and sleeps. */
void announce_reconfigure(struct announce *a, const struct config *c);
/* Removes all of our routes from the table, when no daemon will maintain them any more. */
void announce_clear(__u32 table);
