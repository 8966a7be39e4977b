/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Determines whether this host can forward to a backend, from its routes, rules and addresses.
 * instance/ warns if not, and `check`, `doctor` and `show` report the same.
 */
#pragma once
#include "plan/plan.h"

enum reach {
	REACH_ROUTED,
	/* Only a table that a rule selects has a route, and the rule depends on more than the
	 * destination. Only the lookup for a packet shows whether it applies. */
	REACH_BY_RULE,
	REACH_SELF,			/* the address belongs to this host */
	REACH_NONE,			/* no route leads to the address */
	REACH_WAN,			/* the route leads out of a wan */
	REACH_UNKNOWN			/* the kernel could not be asked for lack of resources */
};

/* Determines how a backend is reached. For REACH_ROUTED and REACH_WAN it sets *ret to the way;
 * otherwise ret->oif is 0. */
enum reach reach_backend(const struct host *h, const struct config *c,
			 const struct service_config *s, const struct address *backend,
			 struct nl_way *ret);

/* Returns whether a rule selects a table for some packets to a destination and not for others.
 * Rules by mark do not count, because XDP asks the FIB before anything marks the packet. */
bool reach_may_follow(const struct nl_rule *r);

/* Returns whether the configuration needs the kernel's forwarding to be on for packets of this
 * family that arrive on this interface. */
bool reach_needs(const struct config *c, const struct host *h, const struct nl_link *link,
		 __u8 family);

/* Returns which address an interface lacks on which the service should listen: "IPv4 ", "IPv6 ",
 * each with a space, or "" for any. Returns NULL if it lacks none. */
const char *reach_missing_address(const struct host *h, const struct service_config *s,
				  const struct nl_link *link);
/* Returns whether the kernel has an address of the link by router advertisements, and accept_ra is
 * 1, so that the address expires while IPv6 forwarding is on. */
bool reach_needs_accept_ra(const struct host *h, const struct nl_link *link);
/* Returns the command that switches forwarding on for packets that arrive on an interface. If it is
 * off for the whole host, the command does so for all interfaces, and keeps the addresses that come
 * by router advertisements. The caller frees it. Returns NULL if there is no memory. */
char *reach_forwarding_fix(const struct host *h, const char *interface, bool ipv6);
/* Describes that forwarding is off on an interface although the configuration needs it, with the
 * command that switches it on. Returns NULL if it is on or not needed. The caller frees the
 * text. */
char *reach_forwarding_off(const struct config *c, const struct host *h,
			   const struct nl_link *link, bool ipv6);

/* Returns the length of the longest packet that arrives for a backend if its client uses
 * WireGuard's default MTU. Returns 0 if this is unknown, or if the packet leaves by the interface
 * on which it arrived. */
unsigned int reach_longest(const struct host *h, const struct service_config *s, __u8 family,
			   __u32 oif);
