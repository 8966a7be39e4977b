/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * plan: what a configuration means on this host now: the entries of every map, and where programs are attached. Made from the
 * configuration and netlink's answers alone, before anything is touched; dataplane brings the maps to it.
 */
#pragma once
#include "config/config.h"
#include "net/host.h"
#include "net/netlink.h"
#include "plan/plan_relay.h"

struct plan_port {			/* an interface on which the data path is attached */
	__u32 ifindex;
	char name[IFNAMSIZ];
	enum link_role role;
	enum mode mode;			/* asked for */
	__u32 sources;			/* index in sources */
	bool l3;			/* a device without Ethernet headers */
	bool shared;			/* XDP beside programs of others */
	bool lengthens;			/* IPv4 that comes in by it may leave as IPv6, with a longer header */
	size_t n_nics;			/* nics that carry it */
	char why[160];			/* why it has none, where it could */
};

struct plan_nic {			/* a device to which XDP is attached, for one port or several */
	__u32 ifindex;
	char name[IFNAMSIZ];
	enum mode mode;
	bool shared;			/* by libxdp's dispatcher: some port of it is to be */
	__u32 port;			/* index in ports of the first one */
};

struct list_entry {			/* of source_trie */
	struct source_key key;
	__u8 verdict;			/* enum list_verdict */
};

struct plan_key {			/* of WireGuard at a backend */
	struct guard_key key;
	struct public_key public;
};

struct plan_guard {			/* of a service */
	struct guard guard;		/* flags 0: none. .keys is given by dataplane_keys_write() */
	struct plan_key *keys;
	size_t n_keys;
	struct backend_name *names;	/* GUARD_BACKENDS_MAX; NULL: it has one backend, without a name */
};

struct plan_blind {
	bool on;
	__u32 room;			/* for so many sites, with number 0 */
	char device[IFNAMSIZ];		/* this host's own WireGuard */
	__be16 port;
	__u32 ifindex;			/* of the interface that it listens on; 0: it waits for that */
};

struct plan {
	struct plan_port *ports;
	struct sources *sources;	/* one a port */
	size_t n_ports;
	struct plan_nic *nics;
	size_t n_nics;
	struct source_key *trie;	/* prefixes for which sources had no room */
	size_t n_trie;
	struct list_entry *lists;	/* allow and deny of services */
	size_t n_lists;
	struct link *links;		/* every interface of the host; flags without those that depend on attachment */
	size_t n_links;
	struct table_entry *entries;
	size_t n_entries;
	struct service_name *services;	/* by id; ids of a running instance are kept */
	size_t n_services;		/* ids in use end before this */
	struct pool *pools;		/* by id; of services that do not masquerade without ports */
	size_t n_pools;
	__u32 n_flows;			/* that there is to be room for; 0: no service masquerades */
	struct plan_guard *guards;	/* by id */
	size_t n_guards;
	size_t n_keys;			/* of all of them */
	bool guarded;			/* some service has one */
	bool challenges;		/* and sends cookies */
	__u32 n_slots;			/* next hop slots of listeners */
	bool vlans, bridges;		/* some port is a VLAN; some nic a bridge's or bond's port */
	bool l3;			/* some port has no Ethernet header */
	bool routers;			/* some link has the MAC of a virtual router */
	bool hearing;			/* initiations and knocks for this host itself are told */
	bool choices;			/* some service has SERVICE_CHOICE, or may get it */
	bool ask_always;		/* CONTROL_ASK_ALWAYS */
	int config_text;		/* fd of the map with the text that it was made of (state_prepare()); 0: of the one that runs */
	struct plan_relay relay;
	struct plan_blind blind;
};

struct slot {				/* a next-hop slot of a listener and whose it is */
	struct address local, backend;
	__u32 ifindex, slot;
};

#define OLD_SECONDS 180			/* so long are answers of a listener's former backend translated */

struct answers;
struct plan_input {
	const struct config *config;
	int config_text;		/* as in struct plan */
	const struct host *host;
	struct answers *answers;	/* where backends are that are named, or whose prefix may move */
	struct service_name *names;	/* of a running instance: its services, by id */
	size_t n_names;
	struct backend_name *backend_names;	/* by id * GUARD_BACKENDS_MAX + number */
	size_t n_backend_names;
	struct guard *guards;		/* by id */
	size_t n_guards;
	struct slot *slots;		/* and its listeners' slots */
	size_t n_slots;
	__u32 refused[16];		/* devices that could not be attached to: others have them */
	size_t n_refused;
	bool followed;			/* a daemon follows what changes: what it may need then is loaded now, uniform is kept */
	bool moved;			/* answers are others than before: set by the way */
	bool tolerant;			/* what came by itself and contradicts is left out, told as a warning, not refused */
	struct table_entry *running;	/* and its table */
	size_t n_running;
	__u64 now;			/* CLOCK_BOOTTIME, seconds */
	struct relay_peer *peers;	/* its peers, by id */
	size_t n_peers;
	struct followed *followed_peers;	/* what WireGuard says of follow.wireguard */
	size_t n_followed;
	size_t n_sites;			/* peers that blind.device has now */
};

/* VLANs of a logical link down to its nic, the outer one last: how many; -1 where a nic cannot tell */
int plan_vlans(const struct host *h, const struct nl_link *link, const struct nl_link *vlans[2],
	       const struct nl_link **ret_nic);

/* 0, or -errno after having told why */
int plan_make(const struct plan_input *in, struct plan **ret);
void plan_free(struct plan *p);
bool plan_refused(const struct plan_input *in, __u32 ifindex);
const struct plan_nic *plan_nic(const struct plan *p, __u32 ifindex);
/* Whether a port's frames come in by this nic */
bool plan_carries(const struct host *h, const struct plan_nic *nic, const struct plan_port *port);
/* What would carry a running instance's ports as this host is now: ports (without sources) and nics alone. 0 or -errno. */
int plan_running(const struct host *h, const struct config *c, const struct link *links, size_t n, struct plan **ret);
const struct plan_port *plan_port(const struct plan *p, __u32 ifindex);
/* Whether a peer of the relay is behind this link; whether a port is for peers alone, where nothing but IPv6 matters */
bool plan_has_peers(const struct plan *p, __u32 ifindex);
bool plan_is_overlay(const struct plan *p, const struct plan_port *port);

/* The VRF in which a service's packets are routed, by where it listens: its ifindex; 0: none */
__u32 host_vrf(const struct host *h, const struct service_config *s);
