/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What the parts of plan share while they make one.
 */
#pragma once
#include "plan.h"

struct backend_address {		/* of a service, resolved */
	struct address ipv4, ipv6;	/* family 0: none */
};

struct making {
	const struct config *config;
	const struct host *host;
	struct plan *plan;
	struct backend_address *backends;	/* one a service */
	struct listener *listeners;
	size_t n_listeners;
};

struct listener {			/* one local address and port on one link → a backend's address and port */
	__u32 ifindex, id;
	struct address local, backend;
	__be16 port, backend_port;
	__u32 slot;
	__u16 flags;			/* enum service_flags that the configuration says */
};

/* Resolves every backend; ports from interfaces, listeners and the way to the backends */
int plan_backends(struct making *m);
int plan_ports(struct making *m);
/* Devices that carry the ports, and how a frame there tells which port it is for */
int plan_nics(struct making *m);
int plan_add_entry(struct plan *p, const struct table_key *key, const void *value, size_t size);
/* What may come from, or may not, on each port */
int plan_sources(struct making *m);
/* Entries of the table from listeners */
int plan_services(struct making *m);
