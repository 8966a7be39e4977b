/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The state of the running relay: peers and routes from the maps, and the peers' present state in
 * WireGuard. condition.h, show_relay.c, metrics.c and top.c include it.
 */
#pragma once
#include "dataplane/dataplane.h"
#include "net/wireguard.h"

struct relay_device {			/* a WireGuard device that has peers of the relay */
	char name[IFNAMSIZ];
	struct wg_device wg;
};

struct relay_view {
	struct relay_peer *peers;	/* peers, indexed by id from 1 on; name "": a free id */
	size_t n_peers;
	struct total *totals; /* counters, indexed by total_index(id, enum peer_direction, plane) */
	/* The peers in WireGuard, indexed by id; NULL: it has no such peer. */
	const struct wg_peer **wireguard;
	/* Prefixes of the peers, sorted by address; .word: the peer's id. */
	struct relay_route *routes;
	size_t n_routes;
	struct relay_device *devices; /* devices, which own the peers that `wireguard` points at */
	size_t n_devices;
};

/* Reads the peers of a running relay. routes: reads their prefixes too. Returns 0 or -errno. */
int relay_view_read(const struct dataplane *dp, bool routes, struct relay_view *ret);
/* Returns a peer's total in one direction over both planes. */
struct total relay_view_total(const struct relay_view *v, __u32 id, enum peer_direction direction);
bool relay_view_is_wireguard(const struct relay_view *v, const char *device);
void relay_view_free(struct relay_view *v);
