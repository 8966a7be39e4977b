/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What plan_relay.c and plan_routes.c share.
 */
#pragma once
#include "plan/plan_make.h"

struct relay_peers {			/* collected, before ids are given */
	struct relay_peer *list;	/* does not move */
	size_t n;
	struct relay_route *routes;	/* word: the peer's place in list, n for nobody; or ROUTE_LOCAL */
	size_t n_routes;
	struct relay_route *reach;	/* where there are routes of the kernel's: all that a peer has, and all of its AllowedIPs */
	size_t n_reach;
};

/* Adds the overlay's routes of the tables in follow.routes; a peer's own that is one of these as well goes. 0 or -ENOMEM. */
int plan_kernel_routes(const struct making *m, struct relay_peers *from);
/* The prefixes of plan.relay.routes, in no order and some perhaps twice, become what the maps hold. 0 or -errno. */
int plan_routes(struct making *m);
