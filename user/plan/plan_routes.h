/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What plan_relay.c, plan_routes.c and plan_kernel.c share.
 */
#pragma once
#include "plan/plan_make.h"

struct relay_peers {			/* collected, before they get ids */
	struct relay_peer *list;	/* fixed: pointers into it stay valid */
	size_t n;
	struct relay_route *routes;	/* word: index in list, n for no peer, or ROUTE_LOCAL */
	size_t n_routes;
	/* with follow.tables: all prefixes and all AllowedIPs of each peer */
	struct relay_route *reach;
	size_t n_reach;
};

int plan_add_route(struct relay_route **list, size_t *n, const struct prefix *prefix, __u32 word);
/* Adds the overlay's routes from the tables in follow.tables and drops peers' routes for the same
 * prefixes. Returns 0 or -ENOMEM. */
int plan_kernel_routes(const struct making *m, struct relay_peers *from);
/* Sorts plan.relay.routes, drops duplicates, and fills what the maps hold. Returns 0 or -errno. */
int plan_routes(struct making *m);
