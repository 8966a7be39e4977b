/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Facts about a host that several generators use: its name in DNS, whether wgxdp runs there, where
 * its metrics are, its peers, and the first line of each of its files.
 */
#pragma once
#include "gen/gen.h"

#define GEN_NAME (TOPOLOGY_NAME + sizeof(((struct topology *)NULL)->domain) + 1)
#define GEN_EXPORTER_PORT 9851

/* "relay.example.net", or "relay" if the topology has no domain */
const char *gen_host_name(const struct topology *t, const struct topology_host *h,
			  char buf[GEN_NAME]);
/* Like gen_file() for a host; writes a first line, after COMMENT, that names wgxdp as its author */
FILE *gen_host_file(const struct gen *g, const struct topology_host *h,
		    mode_t mode, const char *comment, const char *format,
		    ...) __attribute__((format(printf, 5, 6)));

#define GEN_RULES "etc/nftables.d/wgxdp.nft"
#define GEN_RULES_UNIT "wgxdp-rules"
/* Prints the chain and the words of each rule that the host's own rules need where they drop */
void gen_nft_needs(FILE *out, const struct topology *t, const struct topology_host *h);

/* The other relays that share h's key. gen_between() is the device of the tunnel to one of them;
 * its port is the same on all. */
#define for_each_other_relay(other, t, h) \
	for_each_host(other, t) \
		if ((h)->shares && other->shares && other != (h))
#define GEN_BETWEEN 8
const char *gen_between(const struct topology_host *other, char buf[GEN_BETWEEN]);
__u16 gen_between_port(const struct topology_host *other);
#define GEN_TABLE 700			/* the kernel's routing table of sites alive at a relay */
#define GEN_AS 65000			/* plus the relay's number */

bool gen_runs_wgxdp(const struct topology *t, const struct topology_host *h);
/* Returns the address inside the tunnel at which the daemon serves its metrics. Family 0: it serves
 * them only on the host itself. */
struct address gen_exporter(const struct topology_host *h);

bool gen_serves(const struct topology *t, const struct topology_host *firewall,
		const struct topology_host *gateway);
/* Whether clients with IPv6 reach this gateway by the firewall's name without translation */
bool gen_is_direct(const struct topology *t, const struct topology_host *firewall,
		   const struct topology_host *gateway);
/* Whether h is a client or roaming router of this gateway */
bool gen_comes_to(const struct topology *t, const struct topology_host *h,
		  const struct topology_host *gateway);
/* The first roaming router of a gateway, which learns its endpoint; NULL: none */
const struct topology_host *gen_roaming_of(const struct topology *t,
					   const struct topology_host *gateway);
/* Whether the roaming router runs a Linux distribution and announces a prefix to its LAN */
bool gen_announces(const struct topology_host *roaming);
/* The firewall that serves a gateway, else h itself */
const struct topology_host *gen_front(const struct topology *t, const struct topology_host *h);
/* Where a relay or gateway is reached: by name if the topology has a domain, else by its first
 * address. A gateway behind a firewall is reached by the firewall's. A gateway with exit is reached
 * by its IPv6 address, which needs neither DNS nor IPv4. ret_host has no brackets. */
void gen_endpoint(const struct topology *t, const struct topology_host *h, char ret_host[GEN_NAME],
		  __be16 *ret_port);
/* A roaming router's own address in its LAN's prefix, the first one; family 0: no IPv6 */
struct address gen_lan_address(const struct topology_host *h);
/* IPv6 and not a ULA: it is routed here, or on the link */
bool gen_is_global6(const struct address *a);
struct prefix gen_prefix_of(const struct address *a); /* its /32 or /128 */
/* Its WireGuard device, except those from relay to relay */
const char *gen_device(const struct topology_host *h);
/* The host's name in UCI, which has no hyphens */
const char *gen_uci_name(const struct topology_host *h, char buf[TOPOLOGY_NAME]);
