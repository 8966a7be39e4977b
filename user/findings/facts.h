/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The facts from which the probes make findings: each is read once, and all probes see the same.
 * A probe asks neither the kernel nor a file for anything that is here.
 */
#pragma once
#include "findings/findings.h"
#include "net/wireguard.h"
#include "plan/reach.h"
#include "plan/resolved_backends.h"

struct interface_fact {
	struct subject about;
	const struct nl_link *link;	/* NULL: this host lacks it */
	const struct interface_config *config;	/* entry in `interfaces`, or NULL */
	enum link_role role;
	bool port;			/* packets pass here; false: only the daemon uses it */
	bool needs[2], forwards[2];	/* the sysctl forwarding: IPv4, IPv6 */
	bool dead;	/* for doctor: no packet can pass, as an earlier finding says */
};

struct backend_fact {			/* one address to which a service's packets go */
	struct subject about;
	const char *text;		/* as the configuration has it; "": only a table has it */
	__u8 family;
	__be16 port;
	struct address address;		/* family 0: the name has none */
	__u32 vrf;
	enum reach reach;
	struct nl_way way;
	/* The interface to the backend's network, because of which there is no way: it is down. */
	const struct nl_link *down;
};

struct device_fact {			/* a WireGuard device that the configuration names */
	char name[IFNAMSIZ];
	struct wg_device wg;
	int error;			/* result of wg_read() */
};

struct facts {
	/* The caller sets these; they must outlive the facts. */
	const struct config *config;
	const struct host *host;
	const struct resolved_backends *answers;
	const char *instance;
	/* The running guards tell which standbys serve; NULL: the caller looks at the backends. */
	const struct plan_input *plan;
	/* Neighbours; n_neighbours 0: they were not read. */
	const struct nl_neighbour *neighbours;
	size_t n_neighbours;
	/* Something that only a daemon would follow, although none runs; NULL: nothing. */
	const char *unfollowed;
	/* Words of doctor's fixes; NULL: the consumer prints no command that uses them. */
	const char *wgxdp, *again, *keep, *file, *start;

	struct interface_fact *interfaces;
	size_t n_interfaces;
	struct backend_fact *backends;
	size_t n_backends;
	struct device_fact *devices;
	size_t n_devices;
};

/* Reads the interfaces in the configuration. */
void facts_interfaces(struct facts *f);
/* Adds one interface, unless it is there. port: packets pass there, and it has this role unless it
 * has one already. Returns the fact, which the next call may move. */
struct interface_fact *facts_add_interface(struct facts *f, const char *name, enum link_role role,
					   bool port);
/* Adds each address of the backends in the configuration. idle: also the standbys. */
void facts_backends(struct facts *f, bool idle);
/* Adds one address, for example from a running table, unless it is there. Returns the fact, which
 * the next call may move. */
struct backend_fact *facts_add_backend(struct facts *f, const struct service_config *s,
				       const struct address *a);
/* Adds the interfaces by which packets to the backends leave. */
void facts_ways(struct facts *f);
void facts_free(struct facts *f);

/* Finds a nic that carries a PPPoE session. name: only this nic; NULL: any. Returns false if there
 * is none. */
bool pppoe_device(const char *name, char ret[IFNAMSIZ]);

struct interface_fact *facts_interface(const struct facts *f, const char *name);
/* Returns a WireGuard device, which is read at the first call. Valid until the next call. */
const struct device_fact *facts_device(struct facts *f, const char *name);
/* Returns the interface that has an address in the backend's network, and sets *ret to that
 * network. Returns NULL if there is none. */
const struct nl_link *facts_network(const struct facts *f, const struct backend_fact *b,
				    struct prefix *ret);
