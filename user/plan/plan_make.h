/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What the parts of plan share while they make one.
 */
#pragma once
#include "plan/plan.h"

struct backend_address {		/* of a service, resolved */
	struct address ipv4, ipv6;	/* family 0: none */
	__be16 port;
	struct address idle[2];		/* of the other one, the standby or who has it */
	__be16 idle_port;
	bool on_standby;		/* which serves in its place */
	__u8 number;
};

struct making {
	const struct plan_input *in;
	const struct config *config;
	const struct host *host;
	struct plan *plan;
	struct backend_address *backends;	/* of all services: plan_backend() */
	size_t *first_backend;		/* where each one's begin */
	struct listener *listeners;
	size_t n_listeners;
	__u32 last_slot;		/* that was given away */
};

struct listener {			/* one local address and port on one link → a backend's address and port */
	__u32 ifindex, id;
	struct address local, backend;
	__be16 port, backend_port;
	bool lists;			/* its service is not for all */
	__u8 kind;			/* enum table_kind: KEY_SERVICE, KEY_BACKEND … */
	__u32 slot;
	__u16 flags;			/* enum service_flags that the configuration says */
};

/* A contradiction that this host brought about: the error rc of a command; 0 where the rest is to go on without it */
#define contradiction(m, rc, ...) \
	((m)->in->tolerant ? (log_warning(__VA_ARGS__), 0) : (log_error(__VA_ARGS__), (rc)))

/* Resolves every backend; ports from interfaces, listeners and the way to the backends */
int plan_backends(struct making *m);
static inline struct backend_address *plan_backend(const struct making *m, size_t service, size_t backend)
{
	return &m->backends[m->first_backend[service] + backend];
}
int plan_ports(struct making *m);
/* Devices that carry the ports, and how a frame there tells which port it is for */
int plan_nics(struct making *m);
int plan_add_entry(struct plan *p, const struct table_key *key, const void *value, size_t size);
/* What may come from, or may not, on each port */
int plan_sources(struct making *m);
/* Former backends: their replies, and the link over which they come */
int plan_old(struct making *m);
int plan_backend_port(struct making *m, const struct address *backend, __u32 vrf);
/* Whom a service is for */
int plan_lists(struct making *m, const struct service_config *s, __u32 id);
/* Addresses and ports of ours with which a service's clients leave, if it masquerades; before its listeners */
int plan_pool(struct making *m, size_t service, __u32 id);
const struct pool *plan_pool_of(const struct plan *p, __u32 id);
/* What its guard asks for, and which numbers its backends have; before its listeners */
int plan_guard(struct making *m, size_t service, __u32 id);
/* Whether its standby serves in a backend's place, as the daemon has said */
bool plan_on_standby(const struct making *m, const struct service_config *s, const struct backend_config *b);
/* Where the blind relay listens; after plan_services */
int plan_blind(struct making *m);
/* The id under which something of this name counts */
__u32 plan_service_id(struct plan *p, const char *name, enum nat nat);
/* Entries of the table from listeners */
int plan_services(struct making *m);
int plan_links(struct making *m);
/* A next-hop slot that no running listener or peer has */
__u32 plan_slot(struct making *m);
/* Peers, whose addresses are, and policy; after plan_services, whose entries of the table come first */
int plan_relay(struct making *m);
/* The port that a link is part of: of a virtual router's MACVLAN (VRRP) the link below, unless it has routes of its own */
const struct nl_link *plan_base(const struct host *h, const struct nl_link *link);
/* The link below a MACVLAN, or NULL where it is none, or that is not of this host */
const struct nl_link *plan_macvlan(const struct host *h, const struct nl_link *link);
/* The bond that a link is a port of, or NULL */
const struct nl_link *plan_bond(const struct host *h, const struct nl_link *link);
