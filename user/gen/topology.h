/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A topology: all hosts of a network as one file describes them, and what is assigned to each:
 * addresses, subnets, keys. topology_read() reads it, topology_assign() completes it from the state
 * of earlier runs, generators (gen.h) only read it.
 */
#pragma once
#include <stdio.h>
#include "config/config.h"

/* Size of names of hosts and sites, which are unique: letters, digits, hyphens. */
#define TOPOLOGY_NAME 64
#define TOPOLOGY_LAN "-lan" /* end of a server's second name in DNS, so hosts cannot have it */
#define TOPOLOGY_NETWORKS 3 /* most networks of a gateway: one IPv4, one ULA, one global prefix */
/* Prefix of the name of a WireGuard device from a relay to another one that shares the key: "wg-r3"
 * leads to relay number 3. */
#define TOPOLOGY_BETWEEN "wg-r"
/* Default keepalive in seconds: shorter than NATs keep UDP mappings. */
#define TOPOLOGY_KEEPALIVE 25

enum topology_role {
	ROLE_RELAY,
	ROLE_EDGE,
	ROLE_SERVER,
	ROLE_GATEWAY, /* a gateway: WireGuard that clients connect to */
	ROLE_CLIENT,
	ROLE_ROAMING, /* a client that is a router, with a LAN behind it */
	ROLE_FIREWALL, /* a firewall that forwards UDP to a gateway behind it */
};

enum topology_endpoint { /* the gateway's name, or an address, in files of clients */
	ENDPOINT_DEFAULT,
	ENDPOINT_NAME,
	ENDPOINT_IPV6,
	ENDPOINT_IPV4,
};

struct topology_place { /* position in the file, counted from 1; 0: not in the file */
	int line, column;
};

struct topology_exit { /* access to the internet that a gateway gives its clients */
	bool there;
	bool masquerade4, masquerade6;
	struct address snat4, snat6; /* source address after NAT, per family; family 0: none */
	bool open; /* accepts every packet to direct clients, not only established connections */
	/* The addresses of direct clients are on the link of `interface`, not routed to us. */
	bool proxy_ndp;
};

/* Members that only other roles use are 0. topology_assign() sets those marked "assigned". */
struct topology_host {
	char name[TOPOLOGY_NAME];
	struct topology_place place;
	enum topology_role role;
	char interface[IFNAMSIZ]; /* the wan interface, or a server's only interface; clients: "" */
	unsigned int mtu; /* MTU of the interface in bytes: by default 1500, for a client 1360 */
	/* Public key of the host, from the file or from gen_keys_read(). */
	struct wg_key public_key;
	/* The file gives the public key, so there is no private key. Edges: see their site. */
	bool key_given;
	/* Assigned: number in the host's scope, the same in every run. Relays, and the edges of a
	 * site, count from 1. Clients and roaming routers count from 2, because the gateway is 1.
	 * For a server it is its token; for a firewall 0. */
	unsigned int number;

	/* These belong to all hosts except servers; `port` not to edges. */
	struct address *addresses; /* public addresses; none: they change, or a NAT is in front */
	size_t n_addresses;
	__be16 port; /* UDP port of WireGuard; 0: any */

	/* relays */
	bool blind; /* if relays share a key, all of them are blind, or none is */
	bool shares; /* shares the key, name and tunnel address of topology.shared */

	/* edges: .addresses has at most one of each family, with these prefix lengths, and the next
	 * hop for each; none: DHCP and router advertisements. topology.shared has next hops too. */
	__u8 len4, len6;
	struct address *gateways;
	size_t n_gateways;

	/* edges and servers */
	size_t site; /* index of the host's site in topology.sites */
	/* assigned: address in the site's LAN: SUBNET::number of edges, SUBNET::token of
	 * servers. */
	struct address lan6;
	/* Also relays; assigned: the /128 on wgvpnr01, which the edges of a site share. */
	struct address tunnel;

	/* servers */
	__u16 token; /* last part of the address as the file gives it, in host order */
	bool token_given;
	struct wg_key mesh_key;
	bool mesh_key_given;
	struct address mesh; /* assigned: the /128 on wgvpn01; family 0: no mesh */

	/* gateways */
	struct prefix *networks; /* networks inside the tunnels */
	size_t n_networks;
	struct prefix *home; /* networks behind the gateway that clients may reach */
	size_t n_home;
	struct topology_exit exit;
	enum topology_endpoint endpoint;

	/* clients and roaming routers */
	size_t gateway; /* index in topology.hosts; of a firewall: the gateway that it serves */
	/* Prefixes that the client sends into the tunnel; none: everything, which is the default.
	 * If the gateway has no exit, the default is the gateway's networks and home. For a roaming
	 * router, the default is the IPv4 prefixes of the gateway's networks and home, and ::/0.
	 * topology_assign() adds the gateway's own addresses. */
	struct prefix *split;
	size_t n_split;
	bool direct; /* the client has a global address */
	/* Assigned: addresses inside the tunnel. Gateways and roaming routers have one in each of
	 * the gateway's networks, in that order. Clients have one of IPv4, and a global one
	 * (direct) or a ULA. */
	struct address inside[TOPOLOGY_NETWORKS];
	size_t n_inside;

	/* roaming routers */
	struct prefix prefix; /* prefix of the LAN behind the router */
	bool openwrt;
	__be16 knock; /* first of the knock ports; 0: no knocks */

	/* firewalls */
	/* Name of the LAN interface; "": none. Edges, roaming routers, and gateways with `home`
	 * have one too. */
	char lan[IFNAMSIZ];
	bool ddns; /* also gateways: wgxdp keeps the host's names in DNS (ddns in wgxdp.yaml) */
	enum nat nat; /* NAT of the firewall: NAT_DNAT or NAT_MASQUERADE */
	enum ipv6_handling ipv6; /* handling of IPv6, as in wgxdp.yaml */
	struct address lan_address; /* IPv4 address of the firewall in its LAN */
	/* Addresses of the gateway behind the firewall; family 0: none. The firewall uses the
	 * gateway's name instead if both are missing, or if only IPv6 is and `ipv6` is not off.
	 * With backend_given, which is of nat: masquerade, the file gives all that there are. */
	struct address backend4, backend6;
	bool backend_given;
	/* The firewall also forwards IPv6 to its own address: with ipv6: dnat (static dual stack),
	 * or with nat: masquerade unless ipv6: off. */
	bool forward6;
};

struct topology_site {
	char name[TOPOLOGY_NAME];
	struct topology_place place;
	bool subnet_given;
	__u16 subnet; /* number of the site's subnet, in host order */
	struct prefix prefix; /* assigned: the /64 of the site */
	/* Assigned: the /64 of the run before, if it was another one; family 0: none. */
	struct prefix former;
	/* Assigned: number of the site in addresses of tunnels and mesh: its first subnet. */
	unsigned int number;
	struct prefix ipv4; /* LAN that other sites reach; family 0: none, as with routed relays */
	/* Public key of the routing tunnel, which all edges of the site share. */
	struct wg_key public_key;
	bool key_given;
};

struct topology {
	char *file; /* name of the file, for messages */
	char domain[256]; /* DNS domain of the hosts; "": none */
	/* Prefixes; family 0: not in the file, and after topology_assign() not needed. */
	struct prefix overlay, tunnels, mesh;
	/* Name, key, port and tunnel of the relays that share a key, as sites know them. Name "":
	 * no relays share one. Its addresses, if any, are those that keepalived moves between two
	 * blind relays (a pair), with the next hop of each family. */
	struct topology_host shared;
	unsigned int keepalive; /* keepalive from edges to relays, in seconds */
	bool no_mesh;
	__be16 mesh_port;
	/* The policy between sites of relays that are not blind. The UDP ports are one range,
	 * that of the mesh, or none with no_mesh. topology_assign() sets the overlay. */
	struct policy_config policy;
	bool preshared_keys;
	bool metrics; /* the daemons serve metrics */
	struct port_range *tcp_ports; /* TCP ports that hosts accept */
	size_t n_tcp_ports;
	struct address *dns;
	size_t n_dns;
	bool has_ddns;
	/* Provider and TTL for all hosts. Each host has its own interface and names. */
	struct ddns_config ddns;
	/* Hosts: first the relays, then the edges and servers of each site. Each gateway with its
	 * clients and roaming routers follows, and the firewalls are last. Each group has the
	 * file's order. */
	struct topology_host *hosts;
	size_t n_hosts;
	struct topology_site *sites;
	size_t n_sites;
};

#define for_each_host(h, t) \
	for (const struct topology_host *h = (t)->hosts; h < (t)->hosts + (t)->n_hosts; h++)
#define for_each_site(s, t) \
	for (const struct topology_site *s = (t)->sites; s < (t)->sites + (t)->n_sites; s++)

/* Prefixes and numbers that topology_assign() chose, kept from run to run. All zero: no earlier
 * run. topology_state.c converts them to and from text. */
struct topology_state {
	struct prefix overlay, tunnels, mesh; /* prefixes that were made; family 0: not yet */
	struct topology_kept {
		char scope[TOPOLOGY_NAME]; /* scope within which the number is unique */
		char name[TOPOLOGY_NAME];
		unsigned int number;
	} *kept;
	size_t n_kept;
	bool made; /* topology_assign() made one of the prefixes at random */
	/* Writes n random bytes to `to`, returns 0 or -errno; NULL: getrandom(2) is used. */
	int (*random)(void *to, size_t n);
};

/* Kinds of networks. A gateway has at most one of each. */
enum topology_kind { NETWORK_IPV4, NETWORK_ULA, NETWORK_GLOBAL };
enum topology_kind topology_kind(const struct prefix *p);
/* Returns the first public address of a family, or NULL. */
const struct address *topology_address(const struct topology_host *h, __u8 family);
/* Returns whether all addresses of the host are IPv4. Then its name has no IPv6 address either. */
bool topology_is_ipv4_only(const struct topology_host *h);
/* Returns the next hop of an edge router or of the pair for a family, or NULL. */
const struct address *topology_gateway(const struct topology_host *h, __u8 family);

/* Reads and checks a file ("-": standard input). Returns 0, or -errno after printing every error to
 * standard error; -EINVAL: it is invalid. */
int topology_read(const char *file, struct topology **ret);
/* Does the same for a text in memory. name: the name of the file, for messages. */
int topology_parse(const char *text, const char *name, struct topology **ret);
void topology_free(struct topology *t);

/* Fills in every assigned field except keys, and records it in s. A value in the file has
 * precedence. Otherwise a host keeps the value of an earlier run, even if it was absent since.
 * Returns 0, -EINVAL after printing the contradictions, or -errno. After an error t and s are
 * useless. */
int topology_assign(struct topology *t, struct topology_state *s);

/* Returns the address of relay `one` in the tunnel between two relays that share a key. Each such
 * tunnel has a /112. */
#define TOPOLOGY_SHARING_MAX 255 /* largest number of a relay that shares a key */
struct address topology_between(const struct topology *t, const struct topology_host *one,
				const struct topology_host *other);

/* Parses the assignments. Returns 0, or -EINVAL after printing "NAME:LINE: error: …". */
int topology_state_parse(const char *text, const char *name, struct topology_state *ret);
void topology_state_write(const struct topology_state *s, FILE *out);
void topology_state_free(struct topology_state *s); /* frees the contents, not *s itself */
