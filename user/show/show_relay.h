/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * `show`: the relay's peers and routes. Included by show.c.
 */
#pragma once
#include "dataplane/dataplane.h"
#include "lib/document.h"

/* Adds "peers" and "routes" as asked. Returns 0 or -errno. */
int show_relay(struct document *d, const struct dataplane *dp, bool peers, bool routes,
	       const struct dataplane_reason *reasons, size_t n);
