/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * host: the host's links, addresses, routes and rules, as netlink describes them, and questions
 * about them. The plan is made from it.
 */
#pragma once
#include "net/netlink.h"

struct host {
	struct nl_link *links;
	struct nl_address *addresses;
	struct nl_route *routes;
	struct nl_rule *rules;
	size_t n_links, n_addresses, n_routes, n_rules;
};

int host_read(struct host *h);
void host_free(struct host *h);
const struct nl_link *host_link(const struct host *h, __u32 ifindex);
const struct nl_link *host_link_by_name(const struct host *h, const char *name);
/* Returns the first interface address equal to a, or NULL. */
const struct nl_address *host_address(const struct host *h, const struct address *a);
/* Returns the next route by which packets to this address may go, of whatever table. *at: 0 for the
 * first one. NULL: there are no more. */
const struct nl_route *host_next_way(const struct host *h, const struct address *to, size_t *at);
/* Whether the packet's flow chooses among several next hops to this address. */
bool host_has_several_ways(const struct host *h, const struct address *to);
/* The ifindex of the VRF of a link (or NULL); 0: none. */
__u32 host_link_vrf(const struct host *h, const struct nl_link *link);

/* Whether the kernel routes what comes in by this interface; true if it does not say. */
bool host_forwards(const char *name, bool ipv6);
