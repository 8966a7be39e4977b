/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Determines whether this host can forward to a backend, from its routes, rules and addresses.
 * instance/ warns if not, and `check`, `doctor` and `show` report the same.
 */
#pragma once
#include "plan/plan.h"

enum reach {
	REACH_ROUTED,
	/* Only a rule that depends on more than the destination selects a table with a route. The
	 * lookup for a packet then shows whether it has a route. */
	REACH_BY_RULE,
	REACH_SELF,			/* the address belongs to this host */
	REACH_NONE,			/* no route leads to the address */
	REACH_WAN,			/* the route leads out of a wan */
	REACH_UNKNOWN			/* the kernel lacked the resources to answer */
};

/* Finds how packets reach a backend. Sets *ret to the route for REACH_ROUTED and REACH_WAN;
 * otherwise ret->oif is 0. */
enum reach reach_backend(const struct host *h, const struct config *c,
			 const struct service_config *s, const struct address *backend,
			 struct nl_way *ret);

/* Returns whether a rule may select a table for some packets to a destination but not for others.
 * Rules by mark do not count: XDP asks the FIB before any mark is set. */
bool reach_may_follow(const struct nl_rule *r);

/* Returns whether the configuration works only if the kernel forwards packets of this family from
 * this interface. */
bool reach_needs(const struct config *c, const struct host *h, const struct nl_link *link,
		 __u8 family);

/* Returns the family of address that the service needs on this interface but which the interface
 * lacks: "IPv4 ", "IPv6 ", each with a space, or "" for any. Returns NULL if it lacks none. */
const char *reach_missing_address(const struct host *h, const struct service_config *s,
				  const struct nl_link *link);
/* Returns whether an address of the link will expire while IPv6 forwarding is on: it came by router
 * advertisements, and accept_ra is 1, not 2. */
bool reach_needs_accept_ra(const struct host *h, const struct nl_link *link);
/* Returns the command that switches forwarding on for packets from an interface. If it is off for
 * the whole host, the command does so for all interfaces, and keeps addresses from router
 * advertisements. The caller frees it. */
char *reach_forwarding_fix(const struct host *h, const char *interface, bool ipv6);
/* Returns the length in bytes of the longest packet that goes to a backend if its client uses
 * WireGuard's default MTU. Returns 0 if this is unknown, or if the packet leaves by the interface
 * on which it came. */
unsigned int reach_longest(const struct host *h, const struct service_config *s, __u8 family,
			   __u32 oif);
