/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The state of the running relay: peers and routes from the maps, and the peers' present state in
 * WireGuard. condition.h, show_relay.c, metrics.c and top.c include it.
 */
#pragma once
#include "dataplane/dataplane.h"
#include "net/wireguard.h"

struct relay_device {			/* WireGuard device with peers of the relay */
	char name[IFNAMSIZ];
	struct wg_device wg;
};

struct relay_view {
	struct relay_peer *peers;	/* indexed by id; name "": no peer has the id */
	size_t n_peers;
	struct total *totals; /* indexed by total_index(id, enum peer_direction, plane) */
	/* State of each peer in WireGuard, indexed by id; NULL: it has no such peer. */
	const struct wg_peer **wireguard;
	/* Sorted by address; .word is the peer's id. */
	struct relay_route *routes;
	size_t n_routes;
	struct relay_device *devices; /* they own what `wireguard` points to */
	size_t n_devices;
};

/* Reads a running relay's peers and, with `routes`, their prefixes. Returns 0 or -errno. */
int relay_view_read(const struct dataplane *dp, bool routes, struct relay_view *ret);
/* Returns a peer's packets and bytes in one direction, summed over XDP and tc. */
struct total relay_view_total(const struct relay_view *v, __u32 id, enum peer_direction direction);
bool relay_view_is_wireguard(const struct relay_view *v, const char *device);
void relay_view_free(struct relay_view *v);
