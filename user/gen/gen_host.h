/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Facts about a host that several generators use: its name in DNS, whether wgxdp runs there, where
 * its metrics are, its peers, and the first line of each of its files.
 */
#pragma once
#include "gen/gen.h"

#define GEN_NAME (TOPOLOGY_NAME + sizeof(((struct topology *)NULL)->domain) + 1)
#define GEN_EXPORTER_PORT 9851

/* Returns the host's DNS name, such as "relay.example.net", or "relay" if the topology has no
 * domain. */
const char *gen_host_name(const struct topology *t, const struct topology_host *h,
			  char buf[GEN_NAME]);
/* Begins a file of the host as gen_file() does, with a first line that names wgxdp as the author.
 * comment: the characters that begin a comment in that file, such as "#". */
FILE *gen_host_file(const struct gen *g, const struct topology_host *h,
		    mode_t mode, const char *comment, const char *format,
		    ...) __attribute__((format(printf, 5, 6)));

/* Returns whether the tunnel between two sites carries IPv4 between their LANs. */
bool gen_joins_ipv4(const struct topology_site *one, const struct topology_site *other);

#define GEN_RULES "etc/nftables.d/wgxdp.nft"
#define GEN_RULES_UNIT "wgxdp-rules"
/* Prints the rules that the host's own ruleset needs if its chains drop packets: for each rule the
 * chain and the text. */
void gen_nft_needs(FILE *out, const struct topology *t, const struct topology_host *h);

/* Enumerates the other relays to which h has a tunnel: relays that share its key, but blind ones
 * only if they are a pair. gen_between() returns the name of the device from h to such a relay.
 * gen_between_port() returns its UDP port, the same on all relays. */
#define for_each_other_relay(other, t, h) \
	for_each_host(other, t) \
		if (gen_has_tunnels(t, h) && other->shares && other != (h))
bool gen_has_tunnels(const struct topology *t, const struct topology_host *h);
#define GEN_BETWEEN 8
const char *gen_between(const struct topology_host *other, char buf[GEN_BETWEEN]);
__u16 gen_between_port(const struct topology_host *other);
/* Returns whether h is one of two blind relays, between which keepalived moves an address. */
bool gen_is_pair(const struct topology *t, const struct topology_host *h);
/* Returns the IP version that edge routers use to blind relays with a common key: IPv4, if all
 * relays have it. */
__u8 gen_common_family(const struct topology *t);
/* Number of the kernel's routing table at a relay, with the routes to sites that are alive. */
#define GEN_TABLE 700
#define GEN_AS 65000 /* base of the AS numbers: the AS of a relay is this plus the relay's number */

bool gen_runs_wgxdp(const struct topology *t, const struct topology_host *h);
/* Returns the address inside the tunnel at which the host's daemon serves its metrics. Family 0: it
 * serves them only to the host itself, or, without `metrics` in the topology, not at all. */
struct address gen_exporter(const struct topology *t, const struct topology_host *h);

/* Returns whether networkd, and not pppd, manages the edge router's wan. */
bool gen_has_networkd(const struct topology_host *edge);
/* Returns whether IPv6 clients that use the firewall's name reach this gateway at its own address,
 * without translation. */
bool gen_is_direct(const struct topology *t, const struct topology_host *firewall,
		   const struct topology_host *gateway);
/* Returns whether h is a client or roaming router of this gateway. */
bool gen_comes_to(const struct topology *t, const struct topology_host *h,
		  const struct topology_host *gateway);
/* Returns whether the client's tunnel leads to the address: one of its split prefixes does or, if
 * everything goes in, the client has an address of that family, with which the gateway lets it
 * out. */
bool gen_leads_to(const struct topology *t, const struct topology_host *client,
		  const struct address *a);
/* Returns the gateway's first roaming router, or NULL. The gateway learns the endpoint of such a
 * router. */
const struct topology_host *gen_roaming_of(const struct topology *t,
					   const struct topology_host *gateway);
/* Returns the firewall that serves the gateway h, or h itself if there is none. */
const struct topology_host *gen_front(const struct topology *t, const struct topology_host *h);
/* Finds the endpoint to which hosts of a relay or gateway h connect: its name if the topology has a
 * domain and `endpoint` asks for no address, else an address. For one of several blind relays it is
 * the address that the edge routers use. For a gateway behind a firewall it is the firewall's
 * endpoint. Without a domain, clients of a gateway with exit get its IPv6 address, which needs
 * neither DNS nor IPv4. ret_host has no brackets. */
void gen_endpoint(const struct topology *t, const struct topology_host *h, char ret_host[GEN_NAME],
		  __be16 *ret_port);
/* Warns which networks shut the clients of a gateway out, if their endpoint is an address. */
void gen_warn_endpoint(const struct topology *t, const struct topology_host *h);
/* Returns the first address of the roaming router's LAN prefix. */
struct address gen_lan_address(const struct topology_host *h);
/* Returns the /64 with that address. Hosts make themselves addresses only in a /64 (RFC 4862), so a
 * shorter prefix is not on the LAN as a whole. */
struct prefix gen_lan_prefix(const struct topology_host *h);
struct prefix gen_prefix_of(const struct address *a); /* returns the /32 or /128 of the address */
/* Returns the name of the host's main WireGuard device, not of one between relays. */
const char *gen_device(const struct topology_host *h);
/* Returns the host's name in UCI, which has no hyphens. */
const char *gen_uci_name(const struct topology_host *h, char buf[TOPOLOGY_NAME]);
