/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * announce: a route of the kernel's for each site whose tunnel is alive, in a table of its own, from which a routing daemon tells other
 * relays. The data path does not read it.
 */
#pragma once
#include <uv.h>
#include "config/config.h"

#define ANNOUNCE_PROTOCOL 119		/* of our routes, by which we know them: nobody else's are touched */
#define ANNOUNCE_METRIC 1024

struct announce;

/* 0 or -errno */
int announce_new(uv_loop_t *loop, struct announce **ret);
/* The configuration, or the kernel's routes, may be other ones now. Without announce it takes its routes away, and sleeps. */
void announce_renew(struct announce *a, const struct config *c);
/* Takes all of our routes out of the table: nobody is there any more who would. */
void announce_clear(__u32 table);
