/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A topology: all hosts of a network as one file describes them, and what is assigned to each:
 * addresses, subnets, keys. topology_read() reads it, topology_assign() completes it from the state
 * of earlier runs, generators (gen.h) only read it.
 */
#pragma once
#include <stdio.h>
#include "config/config_ddns.h"
#include "config/config_service.h"

#define TOPOLOGY_NAME 64 /* names of hosts and sites, unique: letters, digits, hyphens */
#define TOPOLOGY_NETWORKS 3 /* a gateway has one IPv4, one ULA, one global */
#define TOPOLOGY_BETWEEN "wg-r" /* + number: WireGuard device to a relay that shares the key */
#define TOPOLOGY_KEEPALIVE 25 /* seconds, the default: shorter than NATs keep UDP mappings */

enum topology_role {
	ROLE_RELAY,
	ROLE_EDGE,
	ROLE_SERVER,
	ROLE_GATEWAY, /* WireGuard that clients connect to */
	ROLE_CLIENT,
	ROLE_ROAMING, /* a client that is a router, with a LAN behind it */
	ROLE_FIREWALL, /* forwards UDP to a gateway behind it */
};

struct topology_place { /* in the file, from 1; 0: not in it */
	int line, column;
};

struct topology_exit { /* a gateway's way to the internet for its clients */
	bool there;
	bool masquerade4, masquerade6;
	struct address snat4, snat6; /* family 0: none */
	bool open; /* direct clients accept everything, not only established connections */
	/* direct clients' addresses are on the link of `interface`, not routed to us */
	bool proxy_ndp;
};

/* Members of other roles are zero. Fields that topology_assign() sets are marked "assigned". */
struct topology_host {
	char name[TOPOLOGY_NAME];
	struct topology_place place;
	enum topology_role role;
	char interface[IFNAMSIZ]; /* the wan, or a server's only one; clients: none */
	unsigned int mtu; /* the interface's: by default 1500, a client's 1360 */
	struct wg_key public_key; /* given, or filled in by gen_keys_read() */
	bool key_given; /* we do not make its private key; edges: see their site */
	/* Assigned, kept, unique in its scope. Relays and the edges of a site count from 1, clients
	 * and roaming routers from 2, because the gateway is 1. A server has its token, a firewall
	 * has 0. */
	unsigned int number;

	/* all but edges and servers */
	struct address *addresses; /* public ones; none: they change, or a NAT is in front */
	size_t n_addresses;
	__be16 port; /* WireGuard's; 0: any */

	/* relays */
	bool blind;
	bool shares; /* has the key, name and tunnel address of topology.shared */

	/* edges and servers */
	size_t site; /* index */
	struct address lan6; /* assigned: SUBNET::number of edges, SUBNET::token of servers */
	struct address tunnel; /* also relays; assigned: the /128 of wgvpnr01, one for a site */

	/* servers */
	__u64 token; /* the last half of the address, host order, at most 0xffff */
	bool token_given;
	struct wg_key mesh_key;
	bool mesh_key_given;
	struct address mesh; /* assigned: the /128 of wgvpn01; family 0: no mesh */

	/* gateways */
	struct prefix *networks; /* inside the tunnels */
	size_t n_networks;
	struct prefix *home; /* networks behind it that clients may reach */
	size_t n_home;
	struct topology_exit exit;

	/* clients and roaming routers */
	size_t gateway; /* index in hosts; a firewall: the gateway that it serves */
	/* Prefixes that go into the tunnel; none: everything. By default everything. With a
	 * gateway without exit: its networks and home. Roaming routers: those of IPv4, and ::/0 */
	struct prefix *split;
	size_t n_split;
	bool direct; /* a client with a global address */
	/* Assigned; gateways and roaming routers have one in each network, clients one of IPv4
	 * and a global one (direct) or a ULA */
	struct address inside[TOPOLOGY_NETWORKS];
	size_t n_inside;

	/* roaming routers */
	struct prefix prefix; /* the LAN behind it */
	bool openwrt;
	__be16 knock; /* port; 0: none */

	/* firewalls */
	char lan[IFNAMSIZ]; /* also edges, roaming routers, and gateways' to `home`; may be "" */
	bool ddns; /* also gateways: wgxdp keeps their names in DNS (ddns in wgxdp.yaml) */
	enum nat nat; /* NAT_DNAT or NAT_MASQUERADE */
	enum ipv6_handling ipv6; /* as in wgxdp.yaml */
	struct address lan_address; /* its own in the LAN, of IPv4 */
	/* The gateway's addresses behind it. Family 0: none; with neither, and for IPv6 unless it
	 * is `off`, the gateway's name is the backend */
	struct address backend4, backend6;
	/* Also forward IPv6 to its own address: ipv6: dnat (static dual stack), or nat: masquerade
	 * unless ipv6: off */
	bool forward6;
};

struct topology_site {
	char name[TOPOLOGY_NAME];
	struct topology_place place;
	bool subnet_given;
	__u16 subnet; /* host order */
	struct prefix prefix; /* the /64; assigned */
	struct wg_key public_key; /* the routing tunnel's, for all its edges */
	bool key_given;
};

struct topology {
	char *file; /* its name in messages */
	char domain[256]; /* empty: none */
	/* family 0: not given, and after topology_assign() not needed */
	struct prefix overlay, tunnels, mesh;
	/* relays that share a key, as sites know them: name, key, port, tunnel; name empty: none
	 * share */
	struct topology_host shared;
	unsigned int keepalive; /* seconds, from edges to relays */
	bool no_mesh;
	__u16 mesh_ports_first, mesh_ports_last; /* host order */
	__be16 mesh_port;
	bool preshared_keys;
	__u16 *tcp_ports; /* host order */
	size_t n_tcp_ports;
	struct address *dns;
	size_t n_dns;
	bool has_ddns;
	/* provider and TTL for all hosts; each host has its own interface and names */
	struct ddns_config ddns;
	/* Relays, then the edges and servers of each site, then each gateway before its clients
	 * and roaming routers, then firewalls. Each in the file's order */
	struct topology_host *hosts;
	size_t n_hosts;
	struct topology_site *sites;
	size_t n_sites;
};

#define for_each_host(h, t) \
	for (const struct topology_host *h = (t)->hosts; h < (t)->hosts + (t)->n_hosts; h++)
#define for_each_site(s, t) \
	for (const struct topology_site *s = (t)->sites; s < (t)->sites + (t)->n_sites; s++)

/* The assignments, kept from run to run. topology_state.c has their text form. All zero: none. */
struct topology_state {
	struct prefix overlay, tunnels, mesh; /* family 0: not yet */
	struct topology_kept {
		char scope[TOPOLOGY_NAME]; /* the number is unique within it */
		char name[TOPOLOGY_NAME];
		unsigned int number;
	} *kept;
	size_t n_kept;
	int (*random)(void *to, size_t n); /* 0 or -errno; NULL: getrandom(2) */
};

/* The first public address of a family, or NULL */
const struct address *topology_address(const struct topology_host *h, __u8 family);

/* Reads and checks a file ("-": standard input). Returns 0, or -errno after printing every error to
 * standard error; -EINVAL: it is invalid. */
int topology_read(const char *file, struct topology **ret);
/* Does the same for text in memory; name is for messages */
int topology_parse(const char *text, const char *name, struct topology **ret);
void topology_free(struct topology *t);

/* Fills in everything assigned except keys, and notes it in s. A host keeps what it had, also after
 * an absence; what the file says wins. Returns 0, or -EINVAL after printing what clashes, or
 * -errno; on error t and s are useless. */
int topology_assign(struct topology *t, struct topology_state *s);

/* The first relay's address in the tunnel between two relays that share; its prefix is a /112 */
#define TOPOLOGY_SHARING_MAX 255 /* the largest number of such a relay */
struct address topology_between(const struct topology *t, const struct topology_host *one,
				const struct topology_host *other);

/* Returns -EINVAL after printing NAME:LINE: error: … */
int topology_state_parse(const char *text, const char *name, struct topology_state *ret);
int topology_state_write(const struct topology_state *s, FILE *out);
void topology_state_free(struct topology_state *s); /* frees the contents */
