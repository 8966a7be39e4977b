/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The state of the running blind relay, read from the maps. show_relay.c and top.c include it.
 */
#pragma once
#include "config/config.h"
#include "dataplane/dataplane.h"
#include "net/host.h"
#include "net/wireguard.h"

struct blind_view_site {		/* name "": no site has the number */
	char name[NAME_LEN];
	struct wg_key key;
	struct address endpoint;	/* as WireGuard authenticated it; family 0: none */
	__be16 port;
	__u64 since;	/* time since which it has this endpoint, in seconds since 1970 */
	__u64 challenges;
	bool waited_for;		/* a message waits until its address is known */
};

/* Traffic from the site `from` to the site `to`. sessions: valid receiver indices that `to` has
 * given to `from`. */
struct blind_view_pair {
	__u32 from, to;			/* numbers of the sites */
	__u64 packets, bytes, sessions;
};

struct blind_view {
	struct blind_view_site *sites;	/* indexed by number; 0 is this host */
	__u32 n;
	/* The pairs that have traffic or sessions, by number of `from`, then of `to`. */
	struct blind_view_pair *pairs;
	size_t n_pairs;
	/* uncounted: packets of pairs that found no free counters. */
	__u64 refused, uncounted;
	/* Messages of this host's own WireGuard that were not sent from the shared address. */
	__u64 silenced;
};

/* Reads sites and pairs. Without a blind relay it sets n to 0. Returns 0 or -errno. */
int blind_view_read(const struct dataplane *dp, struct blind_view *ret);
void blind_view_free(struct blind_view *v);

/* The state of a relay that shares its address with another one, for show, metrics and doctor. */
struct pair_view {
	bool active, other_active;	/* this relay, or the other one, has the address */
	/* Times in seconds since 1970 at which the connection began and the last message came; 0:
	 * none. */
	__u64 connected, heard;
	__u64 received;			/* entries of sessions that came from the other relay */
};

/* Returns whether the host has one of the addresses that it shares with another relay. */
bool pair_has_address(const struct pair_config *c, const struct host *h);
/* Reads the state from the host and from the daemon's file. Returns false if the configuration has
 * no `pair`. */
bool pair_view_read(const char *instance, const struct config *c, const struct host *h,
		    struct pair_view *ret);

/* ---- sites of the relay ----
 * Peers and routes come from the maps, and the peers' present state from WireGuard. */

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
