/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A plan is what a configuration means on this host at this moment: the entries of every BPF map,
 * and the devices to which programs are attached. It is made from the configuration and from
 * netlink's data, before anything is changed. instance/ makes it, dataplane/ writes it to the maps,
 * and doctor/, show/, daemon/ and cmd/ examine it.
 */
#pragma once
#include "config/config.h"
#include "lib/list_keys.h"
#include "net/host.h"
#include "net/netlink.h"
#include "net/wireguard.h"

struct plan_port {			/* interface at which the data path receives packets */
	__u32 ifindex;
	char name[IFNAMSIZ];
	enum link_role role;
	enum mode mode;			/* mode of its entry in `interfaces`, or MODE_AUTO */
	__u32 sources;			/* index in plan.sources: prefixes of its clients */
	bool l3;
	/* XDP runs beside other programs, in the dispatcher of libxdp. */
	bool shared;
	bool by_qdisc;			/* transmit: tc */
	bool lengthens;			/* NAT64 may lengthen packets that arrive at this port */
	size_t n_nics;			/* nics at which frames of the port arrive */
	char why[160];			/* reason why n_nics is 0 */
};

struct plan_nic {		/* device to which XDP is attached, for one or more ports */
	__u32 ifindex;
	char name[IFNAMSIZ];
	enum mode mode;			/* configured mode of XDP */
	bool shared;			/* at least one of the nic's ports is shared */
	__u32 port;			/* index in plan.ports of the port that says the mode */
};

struct list_entry {			/* prefix in the list allow or deny of a service */
	struct source_key key;
	__u8 verdict;			/* enum list_verdict */
};

struct list_content {		/* contents of a list that another program keeps */
	struct list_config from;
	struct list_keys keys;		/* sorted */
	bool read;			/* false: the list could not be read */
	__u32 skipped;			/* as in struct followed_list */
};

struct plan_followed {			/* a list that another program keeps */
	__u32 id;
	struct list_config from;
	/* NULL: the running contents stay. plan_input.contents owns it. */
	const struct list_content *content;
};

struct plan_key {			/* a WireGuard public key of a backend */
	struct guard_key key;
	struct public_key public;
};

struct plan_guard {			/* the guard of a service */
	/* Contents of the map; flags 0: no guard. dataplane_keys_write() fills in .keys. */
	struct guard guard;
	struct plan_key *keys;
	size_t n_keys;
	/* Names of the backends, GUARD_BACKENDS_MAX of them; NULL: one backend, without a name. */
	struct backend_name *names;
};

struct plan_blind {
	bool on;
	__u32 room;	/* sites that the maps have room for, this host (0) included */
	char device[IFNAMSIZ];		/* this host's own WireGuard device */
	__be16 port;
	/* Interface on which the blind relay listens; 0: it does not exist yet. */
	__u32 ifindex;
	/* Addresses (IPv4, IPv6) from which this host's own WireGuard may send; 0: any. */
	struct addr only[2];
	size_t n_pairs;			/* length of the list `pairs` */
};

struct followed_device {	/* device of follow.wireguard, with its peers in WireGuard */
	char device[IFNAMSIZ];
	struct wg_device wireguard;
	struct wg_names names;
};

struct relay_peer {			/* a peer of the relay; name "": the id is free */
	struct peer_name name;
	struct peer peer;
};

struct relay_route {		/* word: id of the peer, and enum route_flags */
	struct prefix prefix;
	__u32 word;
};

struct plan_relay {
	bool on;
	/* The list of sources may have to grow later, because the relay follows kernel routes. */
	bool grows;
	bool nics;			/* at least one peer is behind a nic */
	struct prefix overlay;
	struct relay_peer *peers;	/* indexed by id; id 0 is no peer */
	size_t n_peers;
	/* The running instance's peers, which plan_input.peers owns; valid while the lock is
	 * held. */
	const struct relay_peer *running;
	size_t n_running;
	/* Routes: each prefix once, sorted by address, shorter prefixes first. */
	struct relay_route *routes;
	size_t n_routes;
	/* Contents of the map subnets, SUBNETS words; NULL: the overlay is not a /48. */
	__u32 *subnets;
	struct relay_route *longest;	/* those of `routes` that go into the trie */
	size_t n_longest;
	/* Running routes to remove from the trie, not in `longest`; dataplane/ sets them. */
	struct relay_route *gone;
	size_t n_gone;
	bool peers_stay;		/* no running peer is removed; dataplane/ sets this */
	bool routes64;			/* at least one /64 is in the table */
	struct own *own;		/* this host's addresses on links with peers */
	size_t n_own;
	struct policy policy;	/* its secrets stay those of the running map */
};

struct plan {
	struct plan_port *ports;
	struct sources *sources;	/* one list of prefixes for each port */
	struct source_hints *hints;	/* hints for the express path, one for each list */
	size_t n_ports;
	struct plan_nic *nics;
	size_t n_nics;
	struct source_key *trie;	/* prefixes for which `sources` has no room */
	size_t n_trie;
	struct list_entry *lists; /* lists allow and deny of all services, and rated clients */
	size_t n_lists;
	/* Lists that other programs keep, how many prefixes these have together, and, indexed by
	 * service id, which of them a service has. */
	struct plan_followed *followed;
	size_t n_followed, followed_prefixes;
	struct service_lists *service_lists;
	struct link *links; /* all interfaces of this host; dataplane/ adds flags of attachment */
	size_t n_links;
	struct table_entry *entries;
	size_t n_entries;
	/* Indexed by id. A running service keeps its id. */
	struct service_name *services;
	size_t n_services;		/* highest id in use, plus 1 */
	/* Indexed by service id. A service that does not masquerade has no ports here. */
	struct pool *pools;
	size_t n_pools;
	__u32 n_flows;	/* room for flows in the table; 0: no service masquerades */
	struct plan_guard *guards;	/* indexed by service id */
	size_t n_guards;
	size_t n_keys;			/* keys of all guards together */
	bool guarded;			/* at least one service has a guard */
	bool challenges;		/* at least one guard sends cookies */
	/* Rates of all services and all peers, and numbered ones, indexed by rate_index(); NULL:
	 * there are none. */
	struct rate *service_rates, *peer_rates, *numbered_rates;
	size_t n_numbered;		/* highest number in use, plus 1 */
	size_t n_rated;			/* prefixes in .lists that are for rates of clients */
	bool pair_rates;		/* .entries has some of KEY_PAIR */
	__u32 n_slots;			/* next-hop slots in use */
	bool vlans, bridges;	/* vlans: a port is a VLAN. bridges: a nic is in a bridge or bond */
	bool l3;			/* at least one port has no Ethernet header */
	bool routers;			/* at least one link has a virtual router's MAC address */
	bool express;		/* the data path uses its express path */
	__u32 express_entries;		/* entries per CPU; 0: dataplane_load() chooses */
	bool strict;			/* at least one guard is strict */
	bool notify;		/* report handshakes and knocks for this host to the daemon */
	bool choices;			/* at least one service has SERVICE_CHOICE, or may get it */
	bool ask_always;		/* set CONTROL_ASK_ALWAYS in the map control */
	__u16 locked_mtu;		/* the lowest locked MTU of a route; 0: none */
	/* Fd of the map from run_state_prepare(); 0: the running text is the same. */
	int config_text;
	struct plan_relay relay;
	struct plan_blind blind;
};

struct slot {				/* next-hop slot that a listener has */
	struct address local, backend;
	__u32 ifindex, slot;
	bool masquerade;
};

/* Seconds for which replies of a former backend are still translated. */
#define OLD_SECONDS 180

struct prefixes {
	struct prefix *list;
	size_t n;
};

struct resolved_backends;
struct plan_input {
	/* ---- what the caller of apply gives ---- */
	const struct config *config;
	int config_text;	/* fd of the configuration's text, as in struct plan */
	const struct resolved_backends *answers; /* addresses of backends that are named */
	/* Devices to leave out: attaching failed there, because another program has them. */
	__u32 refused[16];
	size_t n_refused;
	/* Lists that were read for this change; all others keep their running contents. */
	struct list_content *contents;
	size_t n_contents;
	/* A daemon runs, so the plan uses the map `uniform`, and has room for later changes. */
	bool followed;
	bool tolerant;			/* leave out what contradicts the host, with a warning */
	/* ---- what each attempt reads from this host ---- */
	const struct host *host;
	__u64 now;			/* seconds by CLOCK_BOOTTIME */
	/* Devices in follow.wireguard with their peers, from followed_devices_read(). */
	struct followed_device *followed_peers;
	size_t n_followed;
	size_t n_sites;			/* peers of the device blind.device in WireGuard */
	__be16 *tunnel_ports;		/* UDP ports of this host's WireGuard, if there are flows */
	size_t n_tunnel_ports;
	/* ---- and from the running instance ---- */
	struct service_name *names;	/* the running services, indexed by id */
	size_t n_names;
	/* Their backends, indexed by id * GUARD_BACKENDS_MAX + number. */
	struct backend_name *backend_names;
	size_t n_backend_names;
	const struct config *before;	/* the running configuration, if it changes; or NULL */
	struct guard *guards;		/* the running guards, indexed by service id */
	size_t n_guards;
	struct slot *slots;		/* slots of the running listeners */
	size_t n_slots;
	struct table_entry *running;	/* the running table */
	size_t n_running;
	struct relay_peer *peers;	/* the running peers, indexed by id */
	size_t n_peers;
	struct followed_list *lists;	/* the running lists of other programs, indexed by id */
	size_t n_lists;
	struct pool *pools;		/* the running pools of flows, indexed by service id */
	size_t n_pools;
};

/* Follows a link down through VLANs to its nic. Stores the VLANs, the outermost one last, and
 * returns their number; -1 if there are more than two or if the nic is in another network
 * namespace. */
int plan_vlans(const struct host *h, const struct nl_link *link, const struct nl_link *vlans[2],
	       const struct nl_link **ret_nic);

/* Returns whether this is the running list for an entry of the configuration. */
bool followed_list_is(const struct followed_list *l, const struct list_config *from);
/* Makes the plan. Returns 0, or -errno after printing an error. */
int plan_make(const struct plan_input *in, struct plan **ret);
void plan_free(struct plan *p);
/* Returns whether the daemon has put the standby in the place of this backend. */
bool plan_on_standby(const struct plan_input *in, const struct service_config *s,
		     const struct backend_config *b);
bool plan_refused(const struct plan_input *in, __u32 ifindex);
const struct plan_nic *plan_nic(const struct plan *p, __u32 ifindex);
/* Returns whether frames of the port arrive at this nic: it is the port itself or carries it. */
bool plan_carries(const struct host *h, const struct plan_nic *nic, const struct plan_port *port);
/* Makes a plan that has only the running instance's ports, without sources, and the nics that they
 * have on the host as it is now. */
struct plan *plan_running(const struct host *h, const struct config *c, const struct link *links,
			  size_t n);
const struct plan_port *plan_port(const struct plan *p, __u32 ifindex);

/* Returns the ifindex of the VRF in which a service's packets are routed, from the interface or the
 * addresses that it listens on; 0: none. */
__u32 host_vrf(const struct host *h, const struct service_config *s);

/* Reads the devices in follow.wireguard and their peers from WireGuard, without devices that do not
 * exist. Returns 0, or -errno after printing an error. */
int followed_devices_read(const struct config *c, struct followed_device **ret, size_t *ret_n);
void followed_devices_free(struct followed_device *list, size_t n);
/* Returns a hash of the peers' keys and AllowedIPs of all followed devices: if it differs, a peer
 * has changed. */
__u64 followed_devices_hash(const struct config *c);
