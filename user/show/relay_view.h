/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The state of the running relay: peers and routes from the maps, and what WireGuard says about the
 * peers now. Included by condition.h, show_relay.c, metrics.c and top.c.
 */
#pragma once
#include "dataplane/dataplane.h"
#include "net/wireguard.h"

struct relay_device {			/* a WireGuard device of peers */
	char name[IFNAMSIZ];
	struct wg_device wg;
};

struct relay_view {
	struct relay_peer *peers;	/* indexed by id, from 1 on; name "": a free id */
	size_t n_peers;
	struct total *totals;		/* by total_index(id, enum peer_direction, plane) */
	const struct wg_peer **wireguard; /* indexed by id; NULL: WireGuard has no such peer */
	struct relay_route *routes;	/* sorted by address; word: the peer's id */
	size_t n_routes;
	struct relay_device *devices;	/* owns what wireguard points at */
	size_t n_devices;
};

/* routes: read these too. Returns 0 or -errno. */
int relay_view_read(const struct dataplane *dp, bool routes, struct relay_view *ret);
/* Returns a peer's total in one direction over both planes. */
struct total relay_view_total(const struct relay_view *v, __u32 id, enum peer_direction direction);
bool relay_view_is_wireguard(const struct relay_view *v, const char *device);
void relay_view_free(struct relay_view *v);
