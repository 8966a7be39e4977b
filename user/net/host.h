/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * struct host holds the links, addresses, routes and rules of this host, read from netlink, and
 * functions that answer questions about them. plan/ builds the plan from it; doctor/, show/, cmd/
 * and others ask it too.
 */
#pragma once
#include "net/netlink.h"

struct host {
	struct nl_link *links;
	struct nl_address *addresses;
	struct nl_route *routes;
	struct nl_rule *rules;
	size_t n_links, n_addresses, n_routes, n_rules;
	bool several;			/* at least one route has several next hops */
};

int host_read(struct host *h);
void host_free(struct host *h);
const struct nl_link *host_link(const struct host *h, __u32 ifindex);
const struct nl_link *host_link_by_name(const struct host *h, const char *name);
/* Writes the names of all interfaces except the loopback, those most similar to `name` first, or
 * "none". host_names_now() reads the interfaces from the kernel first. */
#define HOST_NAMES_LEN 256
const char *host_link_names(const struct host *h, const char *name, char ret[HOST_NAMES_LEN]);
const char *host_names_now(const char *name, char ret[HOST_NAMES_LEN]);
/* Returns the first entry of an interface with the address a, or NULL. */
const struct nl_address *host_address(const struct host *h, const struct address *a);
/* Writes to ret the unicast routes that packets to an address may take, at most `room`, in no
 * order. These are the routes of the VRF, or for vrf 0 those of the table main and of each table
 * that a rule names. Returns their number. */
size_t host_ways(const struct host *h, const struct address *to, __u32 vrf,
		 const struct nl_route **ret, size_t room);
/* Returns true if `way` is one of several next hops of a route, and another next hop of the same
 * route leaves by oif, the device that the FIB chose for the address. */
bool host_has_several(const struct nl_route *const *ways, size_t n, const struct nl_route *way,
		      __u32 oif);
/* Returns true if the route by which the FIB sends to the address over the device oif has several
 * next hops. */
bool host_has_several_ways(const struct host *h, const struct address *to, __u32 vrf, __u32 oif);
#define HOST_WAYS 32			/* limit of the routes to one address that are considered */
/* Returns the ifindex of the VRF that a link (or NULL) belongs to; 0: none. */
__u32 host_link_vrf(const struct host *h, const struct nl_link *link);

/* Returns whether an interface has an address of this family that is not link-local. */
bool host_has_family(const struct host *h, __u32 ifindex, __u8 family);
/* Returns the number at the beginning of a file, such as a sysctl, or -1 if there is no such file
 * or no number in it. */
long host_sysctl(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Returns the name of an interface as in the name of a sysctl: sysctl(8) requires slashes where the
 * name has dots. */
const char *host_sysctl_name(const char *interface, char ret[IFNAMSIZ]);
/* Returns whether the kernel forwards packets that arrive on this interface (sysctl forwarding), or
 * true if the sysctl cannot be read. The name "all" is that of the sysctl for all interfaces. */
bool host_forwards(const char *name, bool ipv6);
