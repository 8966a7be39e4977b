/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A topology: hosts of all set-ups as an admin describes them in one file, and what is assigned to each: addresses, subnets, keys.
 * Read by topology_read(), completed by topology_assign() with what earlier runs kept; the generators (gen.h) only read it.
 */
#pragma once
#include "addr.h"
#include "wg_key.h"

#define TOPOLOGY_NAME 64			/* names of hosts and sites: letters, digits, hyphen */

enum topology_role {
	ROLE_RELAY,
	ROLE_EDGE,
	ROLE_SERVER,
	ROLE_GATEWAY,				/* WireGuard that clients come to: a VPS as a way out, wg-end, R2 */
	ROLE_CLIENT,
	ROLE_ROAMING,				/* a router that comes as a client, with a LAN behind it: R1 */
	ROLE_FIREWALL,				/* forwards UDP to a gateway behind it */
};

enum topology_nat { NAT_DNAT, NAT_MASQUERADE };	/* of a firewall's service */

struct topology_exit {				/* of a gateway: how its clients reach the internet */
	bool there;
	bool masquerade4, masquerade6;
	struct address snat4, snat6;		/* family 0: none */
	bool open;				/* to direct clients: everything, not only what is established */
	bool proxy_ndp;				/* direct clients' addresses are on the link of `interface`, not routed to us */
};

struct topology_host {
	char name[TOPOLOGY_NAME];
	enum topology_role role;
	char interface[16];			/* the wan, or a server's only one */
	char lan[16];				/* edges, firewalls, roaming routers */
	struct address *addresses;		/* public ones; none: they change, or are behind a NAT */
	size_t n_addresses;
	__be16 port;				/* WireGuard's; 0: any */
	unsigned int mtu;			/* of the interface: 1500, pppoe 1492, ds-lite 1460, or as said */
	struct wg_key public_key;		/* said: its private key is not ours to make; else filled by topology_assign() */
	bool key_given;

	size_t site;				/* edges, servers: index */
	size_t gateway;				/* clients, roaming: index in hosts; firewalls: whom it serves */
	unsigned int number;			/* its place among its like, from 1, kept: edge-a2 is 2, client foo 2 (the gateway is 1) */

	bool blind;				/* relays */
	__u64 token;				/* servers: the last half of its address, host order; assigned where not said */
	struct wg_key mesh_key;			/* servers */
	bool mesh_key_given;

	struct prefix *networks;		/* gateways: inside the tunnels */
	size_t n_networks;
	struct topology_exit exit;
	bool ddns;				/* gateway or firewall: keeps its names by DynDNS (wgxdp.yaml gets the section) */

	bool direct;				/* clients: a global address of their own */
	struct prefix *split;			/* clients: what goes into the tunnel; none: everything */
	size_t n_split;
	struct prefix prefix;			/* roaming: of the LAN behind it */
	bool openwrt;
	__be16 knock;				/* roaming: port; 0: none */

	enum topology_nat nat;			/* firewalls */
	struct address lan_address;		/* firewalls: theirs in the LAN, of IPv4 */
	struct address backend4, backend6;	/* firewalls: the gateway's addresses behind it; family 0: none */
	bool forward6;				/* firewalls: IPv6 to the firewall's own address is forwarded too (static dual stack) */

	/* assigned */
	struct address tunnel;			/* relays, edges (the same for all of a site): the /128 of wgvpnr01 */
	struct address lan6;			/* edges: SUBNET::number; servers: SUBNET::token */
	struct address mesh;			/* servers: the /128 of wgvpn01 */
	struct address inside[3];		/* gateways, clients, roaming: one of each of the gateway's networks that is theirs */
	size_t n_inside;
};

struct topology_site {
	char name[TOPOLOGY_NAME];
	bool subnet_given;
	__u16 subnet;				/* host order */
	struct prefix prefix;			/* the /64; assigned */
	struct wg_key public_key;		/* of the routing tunnel: of all its edges */
	bool key_given;
};

struct topology {
	char domain[256];			/* empty: none */
	struct prefix overlay, tunnels, mesh;	/* family 0 before topology_assign() where not said */
	bool no_mesh;
	__u16 mesh_ports_first, mesh_ports_last;	/* host order */
	__be16 mesh_port;
	bool preshared_keys;
	__u16 *tcp_ports;			/* host order */
	size_t n_tcp_ports;
	struct address *dns;
	size_t n_dns;
	struct topology_host *hosts;		/* all, relays first, then the sites' in order, … */
	size_t n_hosts;
	struct topology_site *sites;
	size_t n_sites;
};
