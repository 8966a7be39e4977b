/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * plan: the relay: whose every address of the overlay is, and what may pass.
 */
#pragma once
#include "config/config.h"
#include "net/netlink.h"
#include "net/wireguard.h"

struct followed {			/* a device of follow.wireguard, as WireGuard describes it */
	char device[IFNAMSIZ];
	struct wg_device wireguard;
	struct wg_names names;
};

struct relay_peer {			/* name "": a free id */
	struct peer_name name;
	struct peer peer;
};

struct relay_route {			/* a prefix and its word: the peer's id, and flags */
	struct prefix prefix;
	__u32 word;
};

struct plan_relay {
	bool on;
	bool grows;			/* routes of the kernel's are followed: sources of an ingress may be more than its list holds at any time */
	struct prefix overlay;
	struct relay_peer *peers;	/* by id; 0 is nobody */
	size_t n_peers;
	const struct relay_peer *running;	/* what the plan was made from, with the lock held */
	size_t n_running;
	struct relay_route *routes;	/* every prefix once, by address, the shorter ones first */
	size_t n_routes;
	__u32 *subnets;			/* SUBNETS words; NULL: the overlay is no /48 */
	struct relay_route *longest;	/* for the map routes */
	size_t n_longest;
	struct relay_route *gone;	/* what runs of these and is not among them: found by the writer */
	size_t n_gone;
	bool peers_stay;		/* all that run are among these: found by the writer */
	bool routes64;			/* the table has some /64s */
	struct own *own;		/* of links with peers */
	size_t n_own;
	struct policy policy;		/* its secrets are the running map's */
};

/* What follow.wireguard names, as WireGuard describes it; what it does not answer for is told as a warning and left out. -errno. */
int followed_read(const struct config *c, struct followed **ret, size_t *ret_n);
void followed_free(struct followed *list, size_t n);
/* A number for the keys and AllowedIPs that WireGuard has now on all that is followed: equal as long as nothing of that changes */
__u64 followed_hash(const struct config *c);
