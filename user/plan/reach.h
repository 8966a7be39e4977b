/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Whether this host can forward to a backend, by its routes, rules and addresses. plan/ warns by
 * it; check, doctor and show report the same.
 */
#pragma once
#include "plan/plan.h"

enum reach {
	REACH_ROUTED,
	REACH_BY_RULE,	/* only a rule's table has a route, and the rule asks for more than
			 * the destination: nobody but the packet's own lookup can tell */
	REACH_SELF,			/* it is an address of this host */
	REACH_NONE,			/* there is no route */
	REACH_WAN,			/* the route leaves by a wan */
	REACH_UNKNOWN			/* no memory to ask the kernel */
};

/* Sets *ret to the way, for REACH_ROUTED and REACH_WAN; else its oif is 0. */
enum reach reach_backend(const struct host *h, const struct config *c,
			 const struct service_config *s, const struct address *backend,
			 struct nl_way *ret);

/* Whether a rule names a table for some packets to a destination and not for others. Marks do not
 * count: XDP asks before anything is marked. */
bool reach_may_follow(const struct nl_rule *r);

/* Whether the kernel has to forward what comes in by this interface, in this family, for what the
 * configuration asks for on this host as it is. */
bool reach_needs(const struct config *c, const struct host *h, const struct nl_link *link,
		 __u8 family);

/* Returns the length of the longest packet that comes in for a backend, from a client with
 * WireGuard's own MTU. 0: unknown, or the packet leaves by the interface that it came in by. */
unsigned int reach_longest(const struct host *h, const struct service_config *s, __u8 family,
			   __u32 oif);
