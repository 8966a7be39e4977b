/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What several generators say of a host: its name in DNS, whether wgxdp runs there and where its metrics are, and the first line of
 * each file.
 */
#pragma once
#include "gen/gen.h"

#define GEN_NAME (TOPOLOGY_NAME + sizeof(((struct topology *)NULL)->domain) + 1)
#define GEN_EXPORTER_PORT 9851

/* "relay.example.net", or "relay" where the topology has no domain */
const char *gen_host_name(const struct topology *t, const struct topology_host *h, char buf[GEN_NAME]);
/* As gen_file(), of a host, with a line that says who made it behind COMMENT */
FILE *gen_host_file(const struct gen *g, const struct topology_host *h, mode_t mode, const char *comment, const char *format, ...)
	__attribute__((format(printf, 5, 6)));

/* Of relays that share: the next other one, from NULL; NULL: no more. The device of the tunnel to it, and where that listens: the same on
 * all of them. */
const struct topology_host *gen_next_relay(const struct topology *t, const struct topology_host *relay, const struct topology_host *last);
#define GEN_BETWEEN 8
const char *gen_between(const struct topology_host *other, char buf[GEN_BETWEEN]);
__u16 gen_between_port(const struct topology_host *other);
#define GEN_TABLE 700			/* of the kernel's: sites that are alive at a relay */
#define GEN_AS 65000			/* and the relay's number */

bool gen_runs_wgxdp(const struct topology *t, const struct topology_host *h);
/* Where the daemon's metrics are served for others: an address inside; family 0: nowhere but on the host itself */
struct address gen_exporter(const struct topology_host *h);

/* The first public address of a family, or NULL */
const struct address *gen_public_address(const struct topology_host *h, __u8 family);
bool gen_serves(const struct topology *t, const struct topology_host *firewall, const struct topology_host *gateway);
/* Whether clients of this gateway that have IPv6 reach it by the firewall's name, and nothing is translated on the way */
bool gen_is_direct(const struct topology *t, const struct topology_host *firewall, const struct topology_host *gateway);
/* Clients and roaming routers */
bool gen_comes_to(const struct topology *t, const struct topology_host *h, const struct topology_host *gateway);
/* The roaming routers of a gateway, whose endpoint it learns: one after the other, from NULL; NULL: no more */
const struct topology_host *gen_next_roaming(const struct topology *t, const struct topology_host *gateway, const struct topology_host *last);
/* Whether a roaming router has files of a Linux distribution, and a LAN to which it announces its prefix */
bool gen_announces(const struct topology_host *roaming);
