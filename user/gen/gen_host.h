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

/* The next other relay that shares the key, starting with last = NULL; NULL: no more. gen_between()
 * is the device of the tunnel to it; its port is the same on all of them. */
const struct topology_host *gen_next_relay(const struct topology *t,
					   const struct topology_host *relay,
					   const struct topology_host *last);
#define GEN_BETWEEN 8
const char *gen_between(const struct topology_host *other, char buf[GEN_BETWEEN]);
__u16 gen_between_port(const struct topology_host *other);
#define GEN_TABLE 700			/* the kernel's routing table of sites alive at a relay */
#define GEN_AS 65000			/* plus the relay's number */

bool gen_runs_wgxdp(const struct topology *t, const struct topology_host *h);
/* Where the daemon serves its metrics to others: an address inside the tunnel; family 0: only on
 * the host itself */
struct address gen_exporter(const struct topology_host *h);

/* The first public address of a family, or NULL */
const struct address *gen_public_address(const struct topology_host *h, __u8 family);
bool gen_serves(const struct topology *t, const struct topology_host *firewall,
		const struct topology_host *gateway);
/* Whether clients with IPv6 reach this gateway by the firewall's name without translation */
bool gen_is_direct(const struct topology *t, const struct topology_host *firewall,
		   const struct topology_host *gateway);
/* Whether h is a client or roaming router of this gateway */
bool gen_comes_to(const struct topology *t, const struct topology_host *h,
		  const struct topology_host *gateway);
/* The next roaming router of a gateway, which learns its endpoint; starting with last = NULL; NULL:
 * no more */
const struct topology_host *gen_next_roaming(const struct topology *t,
					     const struct topology_host *gateway,
					     const struct topology_host *last);
/* Whether the roaming router runs a Linux distribution and announces a prefix to its LAN */
bool gen_announces(const struct topology_host *roaming);
