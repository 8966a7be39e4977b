/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The daemon's part of the blind relay: reads its sites and their endpoints from this host's own
 * WireGuard, answers the data path's signals, and saves the state that survives a restart of the
 * host. daemon.c and blind_sites.h include it.
 */
#pragma once
#include <uv.h>
#include "config/config.h"

struct blind;

/* It calls full() if the maps have no room for a new site; the caller must then apply the
 * configuration, which makes larger maps. */
struct blind *blind_new(uv_loop_t *loop, const char *instance, void (*full)(void *data),
			void *data);
/* Serves the sites that c configures; without `blind` in c, no sites. */
void blind_reconfigure(struct blind *b, const struct config *c);
/* Handles a record of the ring buffer `signals`. */
void blind_signal(struct blind *b, const struct signal *signal);
void blind_end(struct blind *b);
