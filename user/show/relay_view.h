/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The relay as it runs, for `show` and the metrics: the maps' peers and routes, and what WireGuard says of them now.
 */
#pragma once
#include "dataplane/dataplane.h"
#include "net/wireguard.h"

struct relay_view {
	struct relay_peer *peers;	/* by id, from 1 on; without a name: a free id */
	size_t n_peers;
	struct total *totals;		/* by total_index(id, enum peer_direction, plane) */
	const struct wg_peer **wireguard;	/* by id too; NULL: WireGuard knows none such */
	struct relay_route *routes;	/* by address; .word: the peer's id */
	size_t n_routes;
	struct wg_device *devices;	/* holds what wireguard points at */
	size_t n_devices;
};

/* routes: those are wanted as well. 0 or -errno. */
int relay_view_read(const struct dataplane *dp, bool routes, struct relay_view *ret);
/* Of a peer in one direction, both programs together */
struct total relay_view_total(const struct relay_view *v, __u32 id, enum peer_direction direction);
void relay_view_free(struct relay_view *v);
