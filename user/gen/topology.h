/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A topology: hosts of all set-ups as an admin describes them in one file, and what is assigned to each: addresses, subnets, keys.
 * Read by topology_read(), completed by topology_assign() with what earlier runs kept; the generators (gen.h) only read it.
 */
#pragma once
#include <stdio.h>
#include "config/config_ddns.h"
#include "config/config_service.h"

#define TOPOLOGY_NAME 64			/* names of hosts and sites: letters, digits, hyphen; none is there twice */
#define TOPOLOGY_NETWORKS 3			/* of a gateway: one of IPv4, one ULA, one global one */
#define TOPOLOGY_BETWEEN "wg-r"		/* WireGuard devices between relays that share a key: this and the other one's number */
#define TOPOLOGY_KEEPALIVE 25		/* seconds, unless told otherwise: shorter than NATs remember UDP for */

enum topology_role {
	ROLE_RELAY,
	ROLE_EDGE,
	ROLE_SERVER,
	ROLE_GATEWAY,				/* WireGuard that clients come to: a VPS as a way out, wg-end, R2 */
	ROLE_CLIENT,
	ROLE_ROAMING,				/* a router that comes as a client, with a LAN behind it: R1 */
	ROLE_FIREWALL,				/* forwards UDP to a gateway behind it */
};

struct topology_place {				/* in the file, from 1; 0: it says nothing of it */
	int line, column;
};

struct topology_exit {				/* of a gateway: how its clients reach the internet */
	bool there;
	bool masquerade4, masquerade6;
	struct address snat4, snat6;		/* family 0: none */
	bool open;				/* to direct clients: everything, not only what is established */
	bool proxy_ndp;				/* direct clients' addresses are on the link of `interface`, not routed to us */
};

struct topology_host {
	char name[TOPOLOGY_NAME];
	struct topology_place place;
	enum topology_role role;
	char interface[IFNAMSIZ];		/* the wan, or a server's only one; clients: none */
	char lan[IFNAMSIZ];			/* edges, roaming routers; firewalls with nat: dnat; "" or that of `home`: gateways */
	struct address *addresses;		/* public ones; none: they change, or are behind a NAT */
	size_t n_addresses;
	__be16 port;				/* WireGuard's; 0: any */
	unsigned int mtu;			/* of the interface: 1500, pppoe 1492, ds-lite 1460, or as said; a client's that nothing is said of: 1360 */
	struct wg_key public_key;		/* said: its private key is not ours to make; else filled by who keeps the keys, before generators run */
	bool key_given;				/* edges: see their site's; firewalls: have none; servers: mesh_key */

	size_t site;				/* edges, servers: index */
	size_t gateway;				/* clients, roaming: index in hosts; firewalls: whom it serves */
	unsigned int number;			/* among its like, kept: relay 1, also of several; edge-a2 is 2; a server's is its token; clients and roaming
						 * from 2, for the gateway is 1; firewalls 0 */

	bool blind;				/* relays */
	bool shares;				/* relays: one of several with one key, name and address in the tunnel, those of topology.shared */
	__u64 token;				/* servers: the last half of its address, host order, at most 0xffff; assigned where not said */
	bool token_given;
	struct wg_key mesh_key;			/* servers */
	bool mesh_key_given;

	struct prefix *networks;		/* gateways: inside the tunnels */
	size_t n_networks;
	struct prefix *home;			/* gateways: networks behind them that clients may reach */
	size_t n_home;
	struct topology_exit exit;
	bool ddns;				/* gateway or firewall: keeps its names by DynDNS (wgxdp.yaml gets the section) */

	bool direct;				/* clients: a global address of their own */
	struct prefix *split;			/* clients, roaming: what goes into the tunnel; none: everything. Where the file says nothing:
						 * behind a gateway without exit its networks and home; of roaming those of IPv4, and ::/0 */
	size_t n_split;
	struct prefix prefix;			/* roaming: of the LAN behind it */
	bool openwrt;
	__be16 knock;				/* roaming: port; 0: none */

	enum nat nat;				/* firewalls: NAT_DNAT or NAT_MASQUERADE */
	enum ipv6_handling ipv6;		/* firewalls, as in wgxdp.yaml */
	struct address lan_address;		/* firewalls: theirs in the LAN, of IPv4 */
	struct address backend4, backend6;	/* firewalls: the gateway's addresses behind it. Family 0: none, or, where that leaves no
						 * backend, and for IPv6 that is not `off`, the gateway's name */
	bool forward6;				/* firewalls: IPv6 to the firewall's own address is forwarded too: ipv6: dnat (static dual stack),
						 * or nat: masquerade and not ipv6: off */

	/* assigned */
	struct address tunnel;			/* relays, edges (the same for all of a site): the /128 of wgvpnr01 */
	struct address lan6;			/* edges: SUBNET::number; servers: SUBNET::token */
	struct address mesh;			/* servers: the /128 of wgvpn01; family 0: no mesh */
	struct address inside[TOPOLOGY_NETWORKS];	/* gateways and roaming: one of each network; clients: of IPv4's, and of the global one
						 * (direct) or the ULA */
	size_t n_inside;
};

struct topology_site {
	char name[TOPOLOGY_NAME];
	struct topology_place place;
	bool subnet_given;
	__u16 subnet;				/* host order */
	struct prefix prefix;			/* the /64; assigned */
	struct wg_key public_key;		/* of the routing tunnel: of all its edges */
	bool key_given;
};

struct topology {
	char *file;				/* as messages call it */
	char domain[256];			/* empty: none */
	struct prefix overlay, tunnels, mesh;	/* family 0 before topology_assign() where not said, and after it where nobody needs one */
	struct topology_host shared;		/* what relays that share it are to the sites: name, key, port, end of the tunnels; name empty: none do */
	unsigned int keepalive;			/* seconds, of edges to relays */
	bool no_mesh;
	__u16 mesh_ports_first, mesh_ports_last;	/* host order */
	__be16 mesh_port;
	bool preshared_keys;
	__u16 *tcp_ports;			/* host order */
	size_t n_tcp_ports;
	struct address *dns;
	size_t n_dns;
	bool has_ddns;
	struct ddns_config ddns;		/* provider and TTL of all hosts that keep their names; interface and names are each host's own */
	struct topology_host *hosts;		/* relays, then edges and servers of each site, then each gateway with its clients and roaming
						 * routers, then firewalls; each in the file's order */
	size_t n_hosts;
	struct topology_site *sites;
	size_t n_sites;
};

/* What is assigned, from run to run: text of lines, see topology_state.c. All zero: nothing so far. */
struct topology_state {
	struct prefix overlay, tunnels, mesh;	/* family 0: not yet */
	struct topology_kept {
		char scope[TOPOLOGY_NAME];	/* within which the number is there once */
		char name[TOPOLOGY_NAME];
		unsigned int number;
	} *kept;
	size_t n_kept;
	int (*random)(void *to, size_t n);	/* 0 or -errno; NULL: getrandom(2) */
};

/* Reads and checks a file ("-": standard input). 0, or -errno after having told every error it found on standard error; -EINVAL: it is
 * invalid. */
int topology_read(const char *file, struct topology **ret);
/* The same of text in memory; name stands in messages. */
int topology_parse(const char *text, const char *name, struct topology **ret);
void topology_free(struct topology *t);

/* Fills all that is assigned (not keys), and notes it in s: who had something there keeps it, also while he is gone; what the file says
 * wins. 0, or -EINVAL after having told what clashes, or -errno; then t and s are of no use. */
int topology_assign(struct topology *t, struct topology_state *s);

/* An address in the tunnel between two relays that share, and of it the first one's; its prefix is a /112. */
#define TOPOLOGY_SHARING_MAX 255	/* the largest number of such a relay */
struct address topology_between(const struct topology *t, const struct topology_host *one, const struct topology_host *other);

/* -EINVAL: told, as NAME:LINE: error: … */
int topology_state_parse(const char *text, const char *name, struct topology_state *ret);
int topology_state_write(const struct topology_state *s, FILE *out);
void topology_state_free(struct topology_state *s);	/* what it holds */
