/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The types and functions that the files of plan/ have in common while they make a plan. Only these
 * files and their unit tests include it.
 */
#pragma once
#include "plan/plan.h"

struct backend_address {		/* a backend with its resolved addresses */
	struct address ipv4, ipv6;	/* address per family; family 0: none */
	__be16 port;
	/* Addresses of the backend or its standby, whichever is inactive now. */
	struct address idle[2];
	__be16 idle_port;
	bool on_standby;		/* the standby is active instead of the backend */
	__u8 number;
};

struct plan_builder {
	const struct plan_input *in;
	const struct config *config;
	const struct host *host;
	struct plan *plan;
	struct backend_address *backends;	/* backends of all services; use plan_backend() */
	/* Index in `backends` of each service's first backend. */
	size_t *first_backend;
	struct listener *listeners;
	size_t n_listeners;
	__u32 last_slot;		/* slot that plan_slot() returned last */
};

/* A listener: forwards one local address and port on one link to one address and port of a
 * backend. */
struct listener {
	__u32 ifindex, id;
	struct address local, backend;
	__be16 port, backend_port;
	bool lists;			/* the service of the listener has `allow` or `deny` */
	__u8 kind;			/* enum table_kind: KEY_SERVICE, KEY_BACKEND … */
	__u32 slot;
	/* Flags (enum service_flags) that the configuration determines. */
	__u16 flags;
};

/* Handles a contradiction between the configuration and this host. For a command it prints an error
 * and evaluates to rc. For the daemon (tolerant) it prints a warning and evaluates to 0. */
#define contradiction(m, rc, ...) \
	((m)->in->tolerant ? (log_warning(__VA_ARGS__), 0) : (log_error(__VA_ARGS__), (rc)))
/* Does the same for a service, an interface or the blind relay, whose place in the file the error
 * names. */
#define contradiction_at(m, s, rc, ...)                                                        \
	((m)->in->tolerant ? (log_warning(__VA_ARGS__), 0)                                     \
			   : (log_error_at((m)->config->file, (s)->line, (s)->column,          \
					   __VA_ARGS__),                                       \
			      (rc)))

/* Returns the service that has this id. */
const struct service_config *plan_service(const struct plan_builder *m, __u32 id);
/* Resolves every backend. */
int plan_backends(struct plan_builder *m);
static inline struct backend_address *plan_backend(const struct plan_builder *m, size_t service,
						   size_t backend)
{
	return &m->backends[m->first_backend[service] + backend];
}
int plan_ports(struct plan_builder *m);
/* Finds the nics of all ports, and the field of a frame by which a nic's frames are assigned to a
 * port. */
int plan_nics(struct plan_builder *m);
/* Returns the entry with the key, or NULL. */
struct table_entry *plan_entry(struct table_entry *list, size_t n, const struct table_key *key);
/* Adds an entry, unless there is one with this key. */
int plan_add_entry(struct plan *p, const struct table_key *key, const void *value, size_t size);
/* Sets the source prefixes that each port allows or refuses. */
int plan_sources(struct plan_builder *m);
/* Adds the entries for former backends: for their replies, and for the link to them. */
int plan_old(struct plan_builder *m);
/* Adds the links on the route to a backend as ports. Returns 0 or -errno. */
int plan_backend_port(struct plan_builder *m, const struct address *backend, __u32 vrf);
/* Returns the port of packets that leave by this device, or NULL. */
const struct plan_port *plan_port_of(const struct plan_builder *m, __u32 oif);
/* Returns true if at least one rule or route depends on more than the fields that all packets to a
 * next hop have in common. The data path then asks the kernel for each packet. */
bool plan_asks_always(const struct host *h);
/* Adds entries for the links on which replies of the backend may arrive. Call it after all ports
 * are known. Returns 0 or -ENOMEM. */
int plan_ways(struct plan_builder *m, const struct address *backend, __u32 vrf);
/* Returns whether plan_ways() added entries for this backend. */
bool plan_has_ways(const struct plan_builder *m, const struct address *backend);
/* Adds the lists `allow` and `deny` of a service. */
int plan_lists(struct plan_builder *m, const struct service_config *s, __u32 id);
/* Sets the source addresses and ports of a masquerading service. Call it before making its
 * listeners. */
int plan_pool(struct plan_builder *m, size_t service, __u32 id);
const struct pool *plan_pool_of(const struct plan *p, __u32 id);
/* Sets the epoch of all pools. Call it after all pools have their timeouts. */
void plan_epochs(struct plan *p);
/* Sets the guard of a service and the numbers of its backends. Call it before making its
 * listeners. */
int plan_guard(struct plan_builder *m, size_t service, __u32 id);
/* Returns whether the daemon has replaced the backend by its standby. */
bool plan_on_standby(const struct plan_builder *m, const struct service_config *s,
		     const struct backend_config *b);
/* Plans where the blind relay listens. Call it after plan_services(). */
int plan_blind(struct plan_builder *m);
/* Returns the id of a service, which also selects its counters. A new service gets a free id. */
__u32 plan_service_id(struct plan *p, const char *name, enum nat nat);
/* Makes the listeners of all services, and from them the entries of the table. */
int plan_services(struct plan_builder *m);
int plan_links(struct plan_builder *m);
/* Returns a next-hop slot that no running listener or peer uses. */
__u32 plan_slot(struct plan_builder *m);
/* Plans the relay's peers, routes and policy. Call it after plan_services(), whose entries come
 * first in the table. */
int plan_relay(struct plan_builder *m);
/* Returns whether this address of ours is usable as the source of packets to other hosts. */
bool plan_is_source(const struct host *h, const struct nl_address *a, __u8 family);
/* Returns the link whose port a link belongs to. For the MACVLAN of a virtual router (VRRP) without
 * routes of its own this is the link below it; otherwise it is the link itself. */
const struct nl_link *plan_base(const struct host *h, const struct nl_link *link);
/* Returns the link below a MACVLAN. Returns NULL if the link is not a MACVLAN, or the one below is
 * in another network namespace. */
const struct nl_link *plan_macvlan(const struct host *h, const struct nl_link *link);
/* Returns the bond that a link is a port of, or NULL. */
const struct nl_link *plan_bond(const struct host *h, const struct nl_link *link);

/* ---- routes of the relay ---- */

struct relay_peers {			/* peers found so far, before they get ids */
	/* List of the peers; it never moves, so pointers into it stay valid. */
	struct relay_peer *list;
	size_t n;
	/* Routes of the peers. The word is the index in `list`, or n for no peer, or
	 * ROUTE_LOCAL. */
	struct relay_route *routes;
	size_t n_routes;
	/* Only with follow.tables: all prefixes and AllowedIPs of each peer. */
	struct relay_route *reach;
	size_t n_reach;
};

int plan_add_route(struct relay_route **list, size_t *n, const struct prefix *prefix, __u32 word);
/* Adds the overlay's routes from the kernel tables in follow.tables, and removes peers' routes for
 * the same prefixes. Returns 0 or -ENOMEM. */
int plan_kernel_routes(const struct plan_builder *m, struct relay_peers *from);
/* Sorts plan.relay.routes, removes duplicates, and fills in the contents of the maps. Returns 0 or
 * -errno. */
int plan_routes(struct plan_builder *m);
