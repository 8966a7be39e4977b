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
	bool several;			/* a route has several next hops (multipath) */
};

/* Reads all of *h from the kernel. While other programs change what it reads, it tries again for at
 * least 10 seconds: the daemon's loop does not call it. Returns 0 or -errno; an error is logged. */
int host_read(struct host *h);
void host_free(struct host *h);
const struct nl_link *host_link(const struct host *h, __u32 ifindex);
const struct nl_link *host_link_by_name(const struct host *h, const char *name);
/* Writes the names of all interfaces but the loopback, beginning with those most like `name`, or
 * "none". host_names_now() reads the interfaces first. */
#define HOST_NAMES_LEN 256
const char *host_link_names(const struct host *h, const char *name, char ret[HOST_NAMES_LEN]);
const char *host_names_now(const char *name, char ret[HOST_NAMES_LEN]);
/* Returns the first entry in h for this host's address a, or NULL. */
const struct nl_address *host_address(const struct host *h, const struct address *a);
/* The same, but without loopback and dummy interfaces, at which no frames arrive: the packets to
 * their addresses come in by other interfaces. */
const struct nl_address *host_outer_address(const struct host *h, const struct address *a);
/* Finds the unicast routes that packets to an address may take: those of the VRF, or for vrf 0 of
 * the table main and all tables that a rule names. Writes at most `room` of them to ret, in no
 * order, and returns their number. */
size_t host_ways(const struct host *h, const struct address *to, __u32 vrf,
		 const struct nl_route **ret, size_t room);
/* Returns whether the FIB, which sent a packet by the device oif, may send the next one by `way`:
 * both are next hops of one multipath route. */
bool host_has_several(const struct nl_route *const *ways, size_t n, const struct nl_route *way,
		      __u32 oif);
/* Returns whether the route over oif by which the FIB sends to the address is a multipath route. */
bool host_has_several_ways(const struct host *h, const struct address *to, __u32 vrf, __u32 oif);
#define HOST_WAYS 32			/* routes to one address that are considered, at most */
/* Returns the ifindex of the VRF of a link; 0: it has none, or link is NULL. */
__u32 host_link_vrf(const struct host *h, const struct nl_link *link);

/* Returns whether an interface has an address of this family that is not link-local. */
bool host_has_family(const struct host *h, __u32 ifindex, __u8 family);
/* Returns the number with which a file, such as a sysctl's, begins; -1: no file, or no number. */
long host_sysctl(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Returns the interface's name as sysctl(8) wants it in a sysctl's name: dots become slashes. */
const char *host_sysctl_name(const char *interface, char ret[IFNAMSIZ]);
/* Returns whether the kernel forwards packets from this interface (sysctl forwarding); true if that
 * is unknown. name "all": the sysctl for all interfaces. */
bool host_forwards(const char *name, bool ipv6);
