/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The types and functions that the files of plan/ have in common while they make a plan. Only these
 * files and their unit tests include it.
 */
#pragma once
#include "plan/plan.h"

struct backend_address {		/* a backend with its resolved addresses */
	struct address ipv4, ipv6;	/* per family; family 0: none */
	__be16 port;
	/* Addresses of the one of backend and standby that does not serve now. */
	struct address idle[2];
	__be16 idle_port;
	bool on_standby;		/* the standby serves instead of the backend */
	__u8 number;
};

struct plan_builder {
	const struct plan_input *in;
	const struct config *config;
	const struct host *host;
	struct plan *plan;
	struct backend_address *backends;	/* backends of all services; use plan_backend() */
	/* For each service, the index of its first backend in `backends`. */
	size_t *first_backend;
	struct listener *listeners;
	size_t n_listeners;
	__u32 last_slot;		/* slot that plan_slot() returned last */
};

/* A listener forwards packets to one local address and port on one link to one address and port of
 * a backend. */
struct listener {
	__u32 ifindex, id;
	struct address local, backend;
	__be16 port, backend_port;
	bool lists;			/* the service has `allow` or `deny` */
	bool hairpin;			/* listens on a lan because of `hairpin` */
	__u8 kind;			/* enum table_kind of its entries */
	__u32 slot;
	/* Those of enum service_flags that only the configuration determines. */
	__u16 flags;
};

/* The configuration contradicts this host. In a command: prints an error, and the value is rc. In
 * the daemon (tolerant): prints a warning, and the value is 0, to go on without the object. */
#define contradiction(m, rc, ...) \
	((m)->in->tolerant ? (log_warning(__VA_ARGS__), 0) : (log_error(__VA_ARGS__), (rc)))
/* Does the same for s, a service, an interface or the blind relay, and prints where the file has
 * it. */
#define contradiction_at(m, s, rc, ...)                                                        \
	((m)->in->tolerant ? (log_warning(__VA_ARGS__), 0)                                     \
			   : (log_error_at((m)->config->file, (s)->line, (s)->column,          \
					   __VA_ARGS__),                                       \
			      (rc)))

/* Returns the configured service with this id. */
const struct service_config *plan_service(const struct plan_builder *m, __u32 id);
static inline struct backend_address *plan_backend(const struct plan_builder *m, size_t service,
						   size_t backend)
{
	return &m->backends[m->first_backend[service] + backend];
}
/* Finds the nics of all ports, and what tells the frames of the ports on one nic apart. */
int plan_nics(struct plan_builder *m);
/* Returns the table entry with this key, or NULL. */
struct table_entry *plan_entry(struct table_entry *list, size_t n, const struct table_key *key);
/* Adds an entry to the table, unless it has one with this key. */
void plan_add_entry(struct plan *p, const struct table_key *key, const void *value, size_t size);
/* Makes the list of source prefixes of each port: allowed on a lan or tunnel, refused on a wan. */
void plan_sources(struct plan_builder *m);
/* Adds the entries for replies of former backends, and the ports on which they arrive. */
int plan_old(struct plan_builder *m);
/* Adds the links on the route to a backend, in a VRF or (0) in none, as ports with the role lan,
 * unless the configuration gives them another role. Returns 0 or -errno. */
int plan_backend_port(struct plan_builder *m, const struct address *backend, __u32 vrf);
/* Returns true if a rule or route may treat packets to one next hop differently. The data path then
 * asks the kernel for each packet. */
bool plan_asks_always(const struct host *h);
/* Returns the lowest locked MTU of a route, which counts for forwarded packets; 0: none. */
__u16 plan_locked_mtu(const struct host *h);
/* Adds entries for the links on which replies of the backend may arrive. Call it after all ports
 * are known. */
void plan_ways(struct plan_builder *m, const struct address *backend, __u32 vrf);
/* Returns whether replies of this backend can arrive on any link: plan_ways() added entries. */
bool plan_has_ways(const struct plan_builder *m, const struct address *backend);
/* Adds the lists `allow` and `deny` of a service. */
void plan_lists(struct plan_builder *m, const struct service_config *s, __u32 id);
/* Adds the lists of a service that other programs keep. */
void plan_followed(struct plan_builder *m, const struct service_config *s, __u32 id);
/* Sets the source addresses and ports of a masquerading service. Call it before making its
 * listeners. */
int plan_pool(struct plan_builder *m, size_t service, __u32 id);
/* Adds entries for the ports of pools at which this host listens: no flow may have them. Call it
 * after all listeners are known. */
void plan_own_ports(struct plan_builder *m);
/* Sets the epoch, in which a source's flows are counted, to the longest timeout of all pools. */
void plan_epochs(struct plan *p);
/* Sets the guard of a service and the numbers of its backends. Call it before making its
 * listeners. */
void plan_guard(struct plan_builder *m, size_t service, __u32 id);
/* Adds what the blind relay needs to listen. Call it after plan_services(). */
int plan_blind(struct plan_builder *m);
/* Fills in the rates. Call it after all services and peers have their ids. */
void plan_rates(struct plan_builder *m);
/* Returns the id of a service, which is also the index of its counters. A new service gets a free
 * one. */
__u32 plan_service_id(struct plan *p, const char *name, enum nat nat);
/* Makes the listeners of all services, and from them the entries of the table. */
int plan_services(struct plan_builder *m);
int plan_links(struct plan_builder *m);
/* Returns a free next-hop slot: no running listener or peer uses it. */
__u32 plan_slot(struct plan_builder *m);
/* Adds the relay's peers, routes and policy. Call it after plan_services(), because the entries of
 * services must be the first in the table. */
int plan_relay(struct plan_builder *m);
/* Returns whether this host can send packets to other hosts from this address of its own. */
bool plan_is_source(const struct host *h, const struct nl_address *a, __u8 family);
/* Returns the link whose port handles this link's packets: for the MACVLAN of a virtual router
 * (VRRP) without routes of its own the link below it, otherwise the link itself. */
const struct nl_link *plan_base(const struct host *h, const struct nl_link *link);
/* Adds the interface as a port, unless it is one, is the loopback, or does not exist. said: its
 * entry in `interfaces`, or NULL. */
void plan_add_port(struct plan_builder *m, const char *name, enum link_role role,
		   const struct interface_config *said);
/* Appends a port on this link. said: its entry in `interfaces`, or NULL. */
struct plan_port *plan_append_port(struct plan_builder *m, const struct nl_link *link,
				   enum link_role role, const struct interface_config *said);
/* Returns the link below a MACVLAN. Returns NULL if `link` is no MACVLAN, or if the link below is
 * in another network namespace. */
const struct nl_link *plan_macvlan(const struct host *h, const struct nl_link *link);
/* Returns the bond that a link is a port of, or NULL. */
const struct nl_link *plan_bond(const struct host *h, const struct nl_link *link);

/* ---- routes of the relay ---- */

struct relay_peers {			/* the relay's peers found so far, before they get ids */
	/* Never reallocated, so that pointers into it stay valid. */
	struct relay_peer *list;
	size_t n;
	/* Each route's word is the index of its peer in `list`, n for no peer, or ROUTE_LOCAL. */
	struct relay_route *routes;
	size_t n_routes;
	/* Prefixes and AllowedIPs of all peers; empty without follow.tables. */
	struct relay_route *reach;
	size_t n_reach;
};

void plan_add_route(struct relay_route **list, size_t *n, const struct prefix *prefix, __u32 word);
/* Adds the routes within the overlay in the kernel tables of follow.tables, in place of peers'
 * routes for the same prefixes. */
void plan_kernel_routes(const struct plan_builder *m, struct relay_peers *from);
/* Returns whether a peer of the relay is behind this link. */
bool plan_has_peers(const struct plan *p, __u32 ifindex);
/* Sorts plan.relay.routes, removes duplicates, and makes the maps' contents from them. */
void plan_routes(struct plan_builder *m);
