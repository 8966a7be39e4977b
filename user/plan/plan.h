/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * plan: what a configuration means on this host now: the entries of every map, and where programs
 * are attached. It is made from the configuration and netlink's answers before anything is changed.
 * Included by dataplane, which writes it, by instance, which makes it, and by doctor, gen and cmd.
 */
#pragma once
#include "config/config.h"
#include "net/host.h"
#include "net/netlink.h"
#include "net/wireguard.h"

struct plan_port {			/* an interface to which the data path is attached */
	__u32 ifindex;
	char name[IFNAMSIZ];
	enum link_role role;
	enum mode mode;			/* as configured */
	__u32 sources;			/* index in plan.sources */
	bool l3;			/* without Ethernet headers */
	bool shared;			/* XDP beside other programs, by libxdp's dispatcher */
	bool lengthens;			/* NAT64 may lengthen packets that arrive here */
	size_t n_nics;			/* how many nics carry it */
	char why[160];			/* why no nic carries it */
};

struct plan_nic {		/* a device to which XDP is attached, for one or more ports */
	__u32 ifindex;
	char name[IFNAMSIZ];
	enum mode mode;
	bool shared;			/* one of its ports is shared */
	__u32 port;			/* index in plan.ports of its first port */
};

struct list_entry {			/* of the map source_trie */
	struct source_key key;
	__u8 verdict;			/* enum list_verdict */
};

struct plan_key {			/* a WireGuard public key of a backend */
	struct guard_key key;
	struct public_key public;
};

struct plan_guard {			/* of a service */
	struct guard guard;		/* flags 0: no guard. dataplane_keys_write() sets .keys */
	struct plan_key *keys;
	size_t n_keys;
	struct backend_name *names;	/* GUARD_BACKENDS_MAX; NULL: one backend, without a name */
};

struct plan_blind {
	bool on;
	__u32 room;			/* number of sites that fit, including number 0 */
	char device[IFNAMSIZ];		/* this host's own WireGuard device */
	__be16 port;
	__u32 ifindex;		/* of the interface it listens on; 0: waits for that interface */
};

struct followed_device {	/* WireGuard's state of a device in follow.wireguard */
	char device[IFNAMSIZ];
	struct wg_device wireguard;
	struct wg_names names;
};

struct relay_peer {			/* name "": a free id */
	struct peer_name name;
	struct peer peer;
};

struct relay_route {			/* word: the peer's id and flags */
	struct prefix prefix;
	__u32 word;
};

struct plan_relay {
	bool on;
	bool grows;			/* kernel routes are followed: sources may outgrow a list */
	bool nics;			/* some peer is behind a nic */
	struct prefix overlay;
	struct relay_peer *peers;	/* by id; 0 means no peer */
	size_t n_peers;
	const struct relay_peer *running;	/* plan_input.peers, under the lock */
	size_t n_running;
	struct relay_route *routes;	/* every prefix once, by address, the shorter first */
	size_t n_routes;
	__u32 *subnets;			/* SUBNETS words; NULL: the overlay is not a /48 */
	struct relay_route *longest;	/* for the map `routes` */
	size_t n_longest;
	struct relay_route *gone;	/* runs and is not in `longest`: set by dataplane */
	size_t n_gone;
	bool peers_stay;		/* no running peer is missing here: set by dataplane */
	bool routes64;			/* the table has /64s */
	struct own *own;		/* of links with peers */
	size_t n_own;
	struct policy policy;		/* its secrets stay those of the running map */
};

struct plan {
	struct plan_port *ports;
	struct sources *sources;	/* one per port */
	struct source_hints *hints;	/* the same */
	size_t n_ports;
	struct plan_nic *nics;
	size_t n_nics;
	struct source_key *trie;	/* prefixes for which `sources` has no room */
	size_t n_trie;
	struct list_entry *lists;	/* allow and deny of services */
	size_t n_lists;
	struct link *links;	/* every interface of this host; attachment adds more flags */
	size_t n_links;
	struct table_entry *entries;
	size_t n_entries;
	struct service_name *services;	/* by id; services that run already keep their id */
	size_t n_services;		/* one more than the highest id in use */
	struct pool *pools;	/* by id; without ports for services that do not masquerade */
	size_t n_pools;
	__u32 n_flows;			/* size of the flow table; 0: no service masquerades */
	struct plan_guard *guards;	/* by id */
	size_t n_guards;
	size_t n_keys;			/* sum over all guards */
	bool guarded;			/* some service has a guard */
	bool challenges;		/* some guard sends cookies */
	__u32 n_slots;			/* number of next-hop slots */
	bool vlans, bridges;		/* some port is a VLAN; some nic is in a bridge or bond */
	bool l3;			/* some port has no Ethernet headers */
	bool routers;			/* some link has a virtual router's MAC address */
	bool express;		/* the data path has its express path */
	__u32 express_entries;		/* its tuples on each CPU, a power of 2 */
	bool hearing;		/* the data path reports handshakes and knocks for this host */
	bool choices;			/* some service has, or may get, SERVICE_CHOICE */
	bool ask_always;		/* CONTROL_ASK_ALWAYS */
	int config_text;		/* fd of run_state_prepare()'s map; 0: the running one */
	struct plan_relay relay;
	struct plan_blind blind;
};

struct slot {				/* the next-hop slot of a listener */
	struct address local, backend;
	__u32 ifindex, slot;
};

#define OLD_SECONDS 180		/* how long replies of a listener's former backend are translated */

struct prefixes {
	struct prefix *list;
	size_t n;
};

/* Returns 0 or -ENOMEM. */
int prefixes_add(struct prefixes *l, const struct prefix *new);

struct resolved_backends;
struct plan_input {
	/* ---- what the caller of apply gives ---- */
	const struct config *config;
	int config_text;		/* as in struct plan */
	const struct resolved_backends *answers; /* of backends with a name or in our prefixes */
	__u32 refused[16];		/* devices that other programs occupy: attaching failed */
	size_t n_refused;
	bool followed;			/* by a daemon: load for later changes, keep `uniform` */
	bool tolerant;			/* warn of contradictions, and leave them out */
	/* ---- what each attempt reads from this host ---- */
	const struct host *host;
	__u64 now;			/* CLOCK_BOOTTIME, in seconds */
	struct followed_device *followed_peers; /* WireGuard's state of follow.wireguard */
	size_t n_followed;
	size_t n_sites;			/* number of peers of blind.device */
	/* ---- and from the running instance ---- */
	struct service_name *names;	/* by id */
	size_t n_names;
	struct backend_name *backend_names;	/* by id * GUARD_BACKENDS_MAX + number */
	size_t n_backend_names;
	struct guard *guards;		/* by id */
	size_t n_guards;
	struct slot *slots;		/* of its listeners */
	size_t n_slots;
	struct table_entry *running;	/* its table */
	size_t n_running;
	struct relay_peer *peers;	/* by id */
	size_t n_peers;
};

/* Collects the VLANs from a logical link down to its nic, outermost last. Returns their number, or
 * -1 if there are more than two or the nic is in another network namespace. */
int plan_vlans(const struct host *h, const struct nl_link *link, const struct nl_link *vlans[2],
	       const struct nl_link **ret_nic);

/* Returns 0 or -errno, after logging the reason. */
int plan_make(const struct plan_input *in, struct plan **ret);
void plan_free(struct plan *p);
bool plan_refused(const struct plan_input *in, __u32 ifindex);
const struct plan_nic *plan_nic(const struct plan *p, __u32 ifindex);
/* Whether the port's frames arrive at this nic. */
bool plan_carries(const struct host *h, const struct plan_nic *nic, const struct plan_port *port);
/* Makes a plan of ports (without sources) and nics alone: what would carry the running instance's
 * ports on this host now. Returns 0 or -errno. */
int plan_running(const struct host *h, const struct config *c, const struct link *links, size_t n,
		 struct plan **ret);
const struct plan_port *plan_port(const struct plan *p, __u32 ifindex);
/* plan_has_peers: whether a peer of the relay is behind this link. plan_is_overlay: whether the
 * port is for peers alone, so that only IPv6 matters there. */
bool plan_has_peers(const struct plan *p, __u32 ifindex);
bool plan_is_overlay(const struct plan *p, const struct plan_port *port);

/* Returns the ifindex of the VRF that routes a service's packets, from where it listens; 0:
 * none. */
__u32 host_vrf(const struct host *h, const struct service_config *s);

/* Reads WireGuard's state of follow.wireguard. A device that is not there is left out with a
 * warning. Returns 0 or -errno. */
int followed_devices_read(const struct config *c, struct followed_device **ret, size_t *ret_n);
void followed_devices_free(struct followed_device *list, size_t n);
/* Returns a hash of the keys and AllowedIPs on all followed devices. It changes if and only if
 * these change. */
__u64 followed_devices_hash(const struct config *c);
