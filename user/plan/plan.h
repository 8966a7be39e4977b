/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A plan is what a configuration means on this host at this moment: the entries of every BPF map,
 * and the devices to which programs are attached. It is made from the configuration and from what
 * netlink says, before anything is changed. instance/ makes it, dataplane/ writes it to the maps,
 * and doctor/, show/, daemon/ and cmd/ examine it.
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
	enum mode mode;			/* the configured mode */
	__u32 sources;			/* index in plan.sources */
	bool l3;			/* without Ethernet headers */
	/* XDP beside other programs, with the dispatcher of libxdp */
	bool shared;
	bool lengthens;			/* NAT64 may lengthen packets that arrive here */
	size_t n_nics;			/* number of nics at which its frames arrive */
	char why[160];			/* why there is no such nic */
};

struct plan_nic {		/* a device to which XDP is attached, for one or more ports */
	__u32 ifindex;
	char name[IFNAMSIZ];
	enum mode mode;
	bool shared;			/* one of its ports is shared */
	__u32 port;			/* index in plan.ports of its first port */
};

struct list_entry {			/* entry of the map source_trie */
	struct source_key key;
	__u8 verdict;			/* enum list_verdict */
};

struct plan_key {			/* a WireGuard public key of a backend */
	struct guard_key key;
	struct public_key public;
};

struct plan_guard {			/* the guard of a service */
	struct guard guard;		/* flags 0: no guard; dataplane_keys_write() sets .keys */
	struct plan_key *keys;
	size_t n_keys;
	/* GUARD_BACKENDS_MAX names; NULL: one backend, without a name */
	struct backend_name *names;
};

struct plan_blind {
	bool on;
	__u32 room;			/* number of sites that fit, including number 0 */
	char device[IFNAMSIZ];		/* this host's own WireGuard device */
	__be16 port;
	/* ifindex of the interface it listens on; 0: the interface does not exist yet */
	__u32 ifindex;
};

struct followed_device {	/* WireGuard's state of a device in follow.wireguard */
	char device[IFNAMSIZ];
	struct wg_device wireguard;
	struct wg_names names;
};

struct relay_peer {			/* name "": the id is free */
	struct peer_name name;
	struct peer peer;
};

struct relay_route {			/* word: id of the peer, and flags */
	struct prefix prefix;
	__u32 word;
};

struct plan_relay {
	bool on;
	/* kernel routes are followed, so the list of sources may need more room later */
	bool grows;
	bool nics;			/* some peer is behind a nic */
	struct prefix overlay;
	struct relay_peer *peers;	/* by id; 0 means no peer */
	size_t n_peers;
	/* points to plan_input.peers, valid while the lock is held */
	const struct relay_peer *running;
	size_t n_running;
	/* each prefix once, sorted by address, shorter ones first */
	struct relay_route *routes;
	size_t n_routes;
	__u32 *subnets;			/* SUBNETS words; NULL: the overlay is not a /48 */
	struct relay_route *longest;	/* for the map `routes` */
	size_t n_longest;
	struct relay_route *gone;	/* running, but not in `longest`; set by dataplane/ */
	size_t n_gone;
	bool peers_stay;		/* no running peer is missing here; set by dataplane/ */
	bool routes64;			/* the table has /64s */
	struct own *own;		/* this host's addresses on links with peers */
	size_t n_own;
	struct policy policy;		/* its secrets stay as in the running map */
};

struct plan {
	struct plan_port *ports;
	struct sources *sources;	/* one for each port */
	struct source_hints *hints;	/* one for each port */
	size_t n_ports;
	struct plan_nic *nics;
	size_t n_nics;
	struct source_key *trie;	/* prefixes for which `sources` has no room */
	size_t n_trie;
	struct list_entry *lists;	/* allow and deny of services */
	size_t n_lists;
	struct link *links;	/* every interface of this host; attaching adds more flags */
	size_t n_links;
	struct table_entry *entries;
	size_t n_entries;
	struct service_name *services;	/* by id; a running service keeps its id */
	size_t n_services;		/* one more than the highest id in use */
	struct pool *pools;	/* by id; without ports if the service does not masquerade */
	size_t n_pools;
	__u32 n_flows;			/* size of the flow table; 0: no service masquerades */
	struct plan_guard *guards;	/* by id */
	size_t n_guards;
	size_t n_keys;			/* sum over all guards */
	bool guarded;			/* some service has a guard */
	bool challenges;		/* some guard sends cookies */
	__u32 n_slots;			/* number of next-hop slots */
	bool vlans, bridges;		/* a port is a VLAN; a nic is in a bridge or bond */
	bool l3;			/* some port has no Ethernet headers */
	bool routers;			/* some link has a virtual router's MAC address */
	bool express;		/* the data path uses its express path */
	__u32 express_entries;		/* entries of the express path on each CPU, a power of 2 */
	bool hearing;		/* the data path reports handshakes and knocks for this host */
	bool choices;			/* a service has, or may get, SERVICE_CHOICE */
	bool ask_always;		/* CONTROL_ASK_ALWAYS */
	/* fd of the map of run_state_prepare(); 0: the running one */
	int config_text;
	struct plan_relay relay;
	struct plan_blind blind;
};

struct slot {				/* the next-hop slot of a listener */
	struct address local, backend;
	__u32 ifindex, slot;
};

/* so long, replies of the former backend of a listener are translated */
#define OLD_SECONDS 180

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
	const struct resolved_backends *answers; /* addresses of backends with names */
	/* devices at which attaching failed, because of other programs */
	__u32 refused[16];
	size_t n_refused;
	/* a daemon runs: prepare for later changes, use `uniform` */
	bool followed;
	bool tolerant;			/* leave contradictions out, with a warning */
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
	struct slot *slots;		/* next-hop slots of its listeners */
	size_t n_slots;
	struct table_entry *running;	/* entries of its table */
	size_t n_running;
	struct relay_peer *peers;	/* by id */
	size_t n_peers;
};

/* Finds the VLANs from a logical link down to its nic, and stores them with the outermost last.
 * Returns their number, or -1 if there are more than two or if the nic is in another network
 * namespace. */
int plan_vlans(const struct host *h, const struct nl_link *link, const struct nl_link *vlans[2],
	       const struct nl_link **ret_nic);

/* Makes the plan. Returns 0, or -errno after printing the reason. */
int plan_make(const struct plan_input *in, struct plan **ret);
void plan_free(struct plan *p);
bool plan_refused(const struct plan_input *in, __u32 ifindex);
const struct plan_nic *plan_nic(const struct plan *p, __u32 ifindex);
/* Whether frames of the port arrive at this nic. */
bool plan_carries(const struct host *h, const struct plan_nic *nic, const struct plan_port *port);
/* Makes a plan with only ports (without sources) and nics: which nics the ports of the running
 * instance would have on this host now. Returns 0 or -errno. */
int plan_running(const struct host *h, const struct config *c, const struct link *links, size_t n,
		 struct plan **ret);
const struct plan_port *plan_port(const struct plan *p, __u32 ifindex);
/* plan_has_peers() returns whether a peer of the relay is behind this link. plan_is_overlay()
 * returns whether the port is only for peers, so that only IPv6 matters there. */
bool plan_has_peers(const struct plan *p, __u32 ifindex);
bool plan_is_overlay(const struct plan *p, const struct plan_port *port);

/* Returns the ifindex of the VRF that routes the packets of a service, determined from where it
 * listens. Returns 0 if there is none. */
__u32 host_vrf(const struct host *h, const struct service_config *s);

/* Reads the WireGuard devices in follow.wireguard with their peers. Devices that do not exist are
 * left out. Returns 0, or -errno after printing an error. */
int followed_devices_read(const struct config *c, struct followed_device **ret, size_t *ret_n);
void followed_devices_free(struct followed_device *list, size_t n);
/* Returns a hash of the keys and AllowedIPs of all followed devices, by which the daemon notices
 * changes. */
__u64 followed_devices_hash(const struct config *c);
