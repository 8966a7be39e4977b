/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * plan: the relay: which peer has each prefix of the overlay, and what may pass. Included by
 * plan.h, so by all that read a plan.
 */
#pragma once
#include "config/config.h"
#include "net/netlink.h"
#include "net/wireguard.h"

struct followed {			/* WireGuard's state of a device in follow.wireguard */
	char device[IFNAMSIZ];
	struct wg_device wireguard;
	struct wg_names names;
};

struct relay_peer {			/* name "": a free id */
	struct peer_name name;
	struct peer peer;
};

struct relay_route {			/* word: the peer's id and flags */
	struct prefix prefix;
	__u32 word;
};

struct plan_relay {
	bool on;
	bool grows; /* kernel routes are followed, so an ingress' sources may outgrow their list */
	struct prefix overlay;
	struct relay_peer *peers;	/* by id; 0 means no peer */
	size_t n_peers;
	/* the instance that the plan was made from, under the lock */
	const struct relay_peer *running;
	size_t n_running;
	struct relay_route *routes;	/* every prefix once, by address, the shorter first */
	size_t n_routes;
	__u32 *subnets;			/* SUBNETS words; NULL: the overlay is not a /48 */
	struct relay_route *longest;	/* for the map `routes` */
	size_t n_longest;
	struct relay_route *gone; /* running prefixes that are not in `longest`: set by dataplane */
	size_t n_gone;
	bool peers_stay;		/* no running peer is missing here: set by dataplane */
	bool routes64;			/* the table has /64s */
	struct own *own;		/* of links with peers */
	size_t n_own;
	struct policy policy;		/* its secrets stay those of the running map */
};

/* Reads WireGuard's state of follow.wireguard. A device that is not there is left out with a
 * warning. Returns 0 or -errno. */
int followed_read(const struct config *c, struct followed **ret, size_t *ret_n);
void followed_free(struct followed *list, size_t n);
/* Returns a hash of the keys and AllowedIPs on all followed devices. It changes if and only if
 * these change. */
__u64 followed_hash(const struct config *c);
