/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A plan is what a configuration means on this host at this moment: the entries of every BPF map,
 * and the devices to which programs are attached. It is made from the configuration and from
 * netlink's data, before anything is changed. instance/ makes it, dataplane/ writes it to the maps,
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
	enum mode mode;			/* configured mode of attachment */
	__u32 sources;			/* index of the port's list of prefixes in plan.sources */
	bool l3;			/* the port has no Ethernet header */
	/* XDP runs beside other programs, in the dispatcher of libxdp. */
	bool shared;
	bool lengthens;			/* NAT64 may lengthen packets that arrive at this port */
	size_t n_nics;			/* number of nics at which frames of the port arrive */
	char why[160];			/* reason why there is no such nic */
};

struct plan_nic {		/* device to which XDP is attached, for one or more ports */
	__u32 ifindex;
	char name[IFNAMSIZ];
	enum mode mode;
	bool shared;			/* at least one of the nic's ports is shared */
	__u32 port;			/* index of the nic's first port in plan.ports */
};

struct list_entry {			/* entry of the map source_trie */
	struct source_key key;
	__u8 verdict;			/* enum list_verdict of the prefix */
};

struct plan_key {			/* a WireGuard public key of a backend */
	struct guard_key key;
	struct public_key public;
};

struct plan_guard {			/* the guard of a service */
	/* Contents of the map entry; flags 0: no guard. dataplane_keys_write() sets .keys. */
	struct guard guard;
	struct plan_key *keys;
	size_t n_keys;
	/* Names of the backends, GUARD_BACKENDS_MAX of them; NULL: one backend, without a name. */
	struct backend_name *names;
};

struct plan_blind {
	bool on;
	__u32 room;	/* number of sites that the maps have room for, including number 0 */
	char device[IFNAMSIZ];		/* name of this host's own WireGuard device */
	__be16 port;
	/* Ifindex of the interface on which the blind relay listens; 0: it does not exist yet. */
	__u32 ifindex;
};

struct followed_device {	/* state in WireGuard of a device in follow.wireguard */
	char device[IFNAMSIZ];
	struct wg_device wireguard;
	struct wg_names names;
};

struct relay_peer {			/* a peer of the relay; name "": the id is free */
	struct peer_name name;
	struct peer peer;
};

struct relay_route {		/* a prefix with its route word: id of the peer, and flags */
	struct prefix prefix;
	__u32 word;
};

struct plan_relay {
	bool on;
	/* The relay follows kernel routes, so the list of sources may need more room later. */
	bool grows;
	bool nics;			/* at least one peer is behind a nic */
	struct prefix overlay;
	struct relay_peer *peers;	/* peers, indexed by id; id 0 means no peer */
	size_t n_peers;
	/* Peers of the running instance: points to plan_input.peers, valid while the lock is
	 * held. */
	const struct relay_peer *running;
	size_t n_running;
	/* Routes: each prefix once, sorted by address, shorter prefixes first. */
	struct relay_route *routes;
	size_t n_routes;
	/* Contents of the map subnets, SUBNETS words; NULL: the overlay is not a /48. */
	__u32 *subnets;
	struct relay_route *longest;	/* routes for the map `routes` */
	size_t n_longest;
	/* Running routes that are not in `longest`; dataplane/ sets them. */
	struct relay_route *gone;
	size_t n_gone;
	bool peers_stay;		/* this plan has every running peer; dataplane/ sets it */
	bool routes64;			/* the table has /64 prefixes */
	struct own *own;		/* addresses of this host on links with peers */
	size_t n_own;
	struct policy policy;	/* policy between sites; its secrets stay as in the running map */
};

struct plan {
	struct plan_port *ports;
	struct sources *sources;	/* lists of prefixes, one for each port */
	struct source_hints *hints;	/* hints for the express path, one for each port */
	size_t n_ports;
	struct plan_nic *nics;
	size_t n_nics;
	struct source_key *trie;	/* prefixes for which `sources` has no room */
	size_t n_trie;
	struct list_entry *lists;	/* allow and deny lists of the services */
	size_t n_lists;
	struct link *links; /* links of all interfaces of this host; attaching adds more flags */
	size_t n_links;
	struct table_entry *entries;
	size_t n_entries;
	/* Names of the services, indexed by id; a running service keeps its id. */
	struct service_name *services;
	size_t n_services;		/* highest id in use, plus 1 */
	/* Pools, indexed by service id; without ports if the service does not masquerade. */
	struct pool *pools;
	size_t n_pools;
	__u32 n_flows;	/* number of flows that the table has room for; 0: no service masquerades */
	struct plan_guard *guards;	/* guards, indexed by service id */
	size_t n_guards;
	size_t n_keys;			/* number of keys of all guards together */
	bool guarded;			/* at least one service has a guard */
	bool challenges;		/* at least one guard sends cookies */
	__u32 n_slots;			/* number of next-hop slots */
	bool vlans, bridges;	/* vlans: a port is a VLAN. bridges: a nic is in a bridge or bond */
	bool l3;			/* at least one port has no Ethernet header */
	bool routers;			/* at least one link has a virtual router's MAC address */
	bool express;		/* the data path uses its express path */
	__u32 express_entries;		/* entries of the express path on each CPU, a power of 2 */
	bool notify;		/* the data path reports handshakes and knocks for this host */
	bool choices;			/* at least one service has, or may get, SERVICE_CHOICE */
	bool ask_always;		/* the control map gets CONTROL_ASK_ALWAYS */
	/* Fd of the map that run_state_prepare() made; 0: the text is the running one. */
	int config_text;
	struct plan_relay relay;
	struct plan_blind blind;
};

struct slot {				/* next-hop slot of a listener */
	struct address local, backend;
	__u32 ifindex, slot;
};

/* Seconds for which replies of a listener's former backend are translated. */
#define OLD_SECONDS 180

struct prefixes {
	struct prefix *list;
	size_t n;
};

/* Adds a prefix to the list. Returns 0 or -ENOMEM. */
int prefixes_add(struct prefixes *l, const struct prefix *new);

struct resolved_backends;
struct plan_input {
	/* ---- what the caller of apply gives ---- */
	const struct config *config;
	int config_text;	/* fd of the map with the configuration's text, as in struct plan */
	const struct resolved_backends *answers; /* addresses of backends that have names */
	/* Ifindexes of devices at which attaching failed, because of other programs. */
	__u32 refused[16];
	size_t n_refused;
	/* A daemon runs, so the plan prepares for later changes and uses the map `uniform`. */
	bool followed;
	bool tolerant;			/* the plan leaves contradictions out, with a warning */
	/* ---- what each attempt reads from this host ---- */
	const struct host *host;
	__u64 now;			/* time by CLOCK_BOOTTIME, in seconds */
	/* State in WireGuard of the devices in follow.wireguard. */
	struct followed_device *followed_peers;
	size_t n_followed;
	size_t n_sites;			/* number of peers of the device blind.device */
	/* ---- and from the running instance ---- */
	struct service_name *names;	/* names of the running services, indexed by id */
	size_t n_names;
	/* Names of their backends, indexed by id * GUARD_BACKENDS_MAX + number. */
	struct backend_name *backend_names;
	size_t n_backend_names;
	struct guard *guards;		/* running guards, indexed by service id */
	size_t n_guards;
	struct slot *slots;		/* next-hop slots of the running listeners */
	size_t n_slots;
	struct table_entry *running;	/* entries of the running table */
	size_t n_running;
	struct relay_peer *peers;	/* running peers, indexed by id */
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
/* Returns whether frames of the port arrive at this nic. */
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
