/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The state that the parts of plan share while they make a plan. Included by plan's sources and
 * their unit tests.
 */
#pragma once
#include "plan/plan.h"

struct backend_address {		/* a backend, resolved */
	struct address ipv4, ipv6;	/* family 0: none */
	__be16 port;
	struct address idle[2];		/* the inactive one of backend and standby */
	__be16 idle_port;
	bool on_standby;		/* the standby serves */
	__u8 number;
};

struct plan_builder {
	const struct plan_input *in;
	const struct config *config;
	const struct host *host;
	struct plan *plan;
	struct backend_address *backends;	/* of all services: use plan_backend() */
	size_t *first_backend;		/* by service: its index in backends */
	struct listener *listeners;
	size_t n_listeners;
	__u32 last_slot;		/* the last one that plan_slot() returned */
};

struct listener {	/* one local address and port on one link → a backend's address and port */
	__u32 ifindex, id;
	struct address local, backend;
	__be16 port, backend_port;
	bool lists;			/* its service has `allow` or `deny` */
	__u8 kind;			/* enum table_kind: KEY_SERVICE, KEY_BACKEND … */
	__u32 slot;
	__u16 flags;			/* the enum service_flags that the configuration sets */
};

/* Handles a contradiction that this host's state causes: a command fails with rc; the daemon
 * (tolerant) warns and goes on with 0. */
#define contradiction(m, rc, ...) \
	((m)->in->tolerant ? (log_warning(__VA_ARGS__), 0) : (log_error(__VA_ARGS__), (rc)))
/* The same of a service, an interface or the blind relay, which the error points at in the file. */
#define contradiction_at(m, s, rc, ...)                                                        \
	((m)->in->tolerant ? (log_warning(__VA_ARGS__), 0)                                     \
			   : (log_error_at((m)->config->file, (s)->line, (s)->column,          \
					   __VA_ARGS__),                                       \
			      (rc)))

/* Returns the service whose counters run under this id. */
const struct service_config *plan_service(const struct plan_builder *m, __u32 id);
/* Resolves every backend. */
int plan_backends(struct plan_builder *m);
static inline struct backend_address *plan_backend(const struct plan_builder *m, size_t service,
						   size_t backend)
{
	return &m->backends[m->first_backend[service] + backend];
}
int plan_ports(struct plan_builder *m);
/* Finds the devices that carry the ports, and how a frame there shows its port. */
int plan_nics(struct plan_builder *m);
/* Returns the entry with the key, or NULL. */
struct table_entry *plan_entry(struct table_entry *list, size_t n, const struct table_key *key);
/* Adds an entry, unless its key is there already. */
int plan_add_entry(struct plan *p, const struct table_key *key, const void *value, size_t size);
/* Sets the allowed or refused source prefixes of each port. */
int plan_sources(struct plan_builder *m);
/* Adds former backends: their replies and the link to them. */
int plan_old(struct plan_builder *m);
/* Adds the links on the way to a backend. Returns 0 or -errno. */
int plan_backend_port(struct plan_builder *m, const struct address *backend, __u32 vrf);
/* Returns the port that carries what leaves by this device, or NULL. */
const struct plan_port *plan_port_of(const struct plan_builder *m, __u32 oif);
/* Whether a rule or a route looks at more of a packet than what all packets of a next hop have in
 * common: then the kernel is asked for each packet. */
bool plan_asks_always(const struct host *h);
/* Adds the entries that say by which links the backend's replies may come in. Call it when all
 * ports are known. Returns 0 or -ENOMEM. */
int plan_ways(struct plan_builder *m, const struct address *backend, __u32 vrf);
/* Whether there are such entries. */
bool plan_has_ways(const struct plan_builder *m, const struct address *backend);
/* Adds a service's `allow` and `deny`. */
int plan_lists(struct plan_builder *m, const struct service_config *s, __u32 id);
/* Sets the source addresses and ports of a masquerading service. Call it before its listeners are
 * made. */
int plan_pool(struct plan_builder *m, size_t service, __u32 id);
const struct pool *plan_pool_of(const struct plan *p, __u32 id);
/* Sets the epoch of all pools. Call it when all have their time-outs. */
void plan_epochs(struct plan *p);
/* Sets the service's guard and the numbers of its backends. Call it before its listeners are
 * made. */
int plan_guard(struct plan_builder *m, size_t service, __u32 id);
/* Whether the daemon has replaced the backend by its standby. */
bool plan_on_standby(const struct plan_builder *m, const struct service_config *s,
		     const struct backend_config *b);
/* Plans where the blind relay listens. Call it after plan_services(). */
int plan_blind(struct plan_builder *m);
/* Returns the id under which the service's counters run. */
__u32 plan_service_id(struct plan *p, const char *name, enum nat nat);
/* Makes listeners, and from them the entries of the table. */
int plan_services(struct plan_builder *m);
int plan_links(struct plan_builder *m);
/* Returns a next-hop slot that no running listener or peer has. */
__u32 plan_slot(struct plan_builder *m);
/* Plans the relay's peers, routes and policy. Call it after plan_services(), whose entries come
 * first in the table. */
int plan_relay(struct plan_builder *m);
/* Whether packets to elsewhere may have this address of ours as their source. */
bool plan_is_source(const struct host *h, const struct nl_address *a, __u8 family);
/* Returns the port that a link belongs to: for a virtual router's MACVLAN (VRRP) the link below,
 * unless it has routes of its own; otherwise the link itself. */
const struct nl_link *plan_base(const struct host *h, const struct nl_link *link);
/* Returns the link below a MACVLAN; NULL: no MACVLAN, or its link is in another network
 * namespace. */
const struct nl_link *plan_macvlan(const struct host *h, const struct nl_link *link);
/* Returns the bond that a link is a port of, or NULL. */
const struct nl_link *plan_bond(const struct host *h, const struct nl_link *link);

/* ---- routes of the relay ---- */

struct relay_peers {			/* collected, before they get ids */
	struct relay_peer *list;	/* fixed: pointers into it stay valid */
	size_t n;
	struct relay_route *routes;	/* word: index in list, n for no peer, or ROUTE_LOCAL */
	size_t n_routes;
	/* with follow.tables: all prefixes and all AllowedIPs of each peer */
	struct relay_route *reach;
	size_t n_reach;
};

int plan_add_route(struct relay_route **list, size_t *n, const struct prefix *prefix, __u32 word);
/* Adds the overlay's routes from the tables in follow.tables and drops peers' routes for the same
 * prefixes. Returns 0 or -ENOMEM. */
int plan_kernel_routes(const struct plan_builder *m, struct relay_peers *from);
/* Sorts plan.relay.routes, drops duplicates, and fills what the maps hold. Returns 0 or -errno. */
int plan_routes(struct plan_builder *m);
