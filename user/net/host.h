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
	bool several;			/* a route has several next hops */
};

int host_read(struct host *h);
void host_free(struct host *h);
const struct nl_link *host_link(const struct host *h, __u32 ifindex);
const struct nl_link *host_link_by_name(const struct host *h, const char *name);
/* Returns the names of interfaces but loopback, those most like `name` first; "none" if there are
 * none. host_names_now() reads the host for it. */
#define HOST_NAMES_LEN 256
const char *host_link_names(const struct host *h, const char *name, char ret[HOST_NAMES_LEN]);
const char *host_names_now(const char *name, char ret[HOST_NAMES_LEN]);
/* Returns the first interface address equal to a, or NULL. */
const struct nl_address *host_address(const struct host *h, const struct address *a);
/* Sets ret to the unicast routes by which packets to an address may go, at most `room` of them, in
 * no order: those of a VRF, or (0) of the table main and of those that a rule names. Returns how
 * many. */
size_t host_ways(const struct host *h, const struct address *to, __u32 vrf,
		 const struct nl_route **ret, size_t room);
/* Whether `way` is one of several next hops of a route, of which one leads over the device oif, the
 * FIB's choice for the address. */
bool host_has_several(const struct nl_route *const *ways, size_t n, const struct nl_route *way,
		      __u32 oif);
/* Whether the route to an address, by which the FIB sends over the device oif, has several next
 * hops. */
bool host_has_several_ways(const struct host *h, const struct address *to, __u32 vrf, __u32 oif);
#define HOST_WAYS 32			/* routes to one address that are looked at */
/* The ifindex of the VRF of a link (or NULL); 0: none. */
__u32 host_link_vrf(const struct host *h, const struct nl_link *link);

/* Whether the kernel routes what comes in by this interface; true if it does not say. */
bool host_forwards(const char *name, bool ipv6);
