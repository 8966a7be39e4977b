/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The parts of wg-quick's files, in this order: conf_begin(), addresses, conf_end(),
 * conf_settings(), more settings; for each peer conf_peer(), its AllowedIPs, conf_end(); then
 * conf_keys(). For gen_wireguard*.c and gen_uci.c.
 */
#pragma once
#include "gen/gen_host.h"

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

struct conf_list {			/* "Address = one, other"; no line if empty */
	FILE *out;
	const char *key;
	bool more;
};
void conf_text(struct conf_list *l, const char *text);
void conf_prefix(struct conf_list *l, const struct prefix *p);
/* /32 or /128; nothing if family 0 */
void conf_address(struct conf_list *l, const struct address *a);
void conf_end(const struct conf_list *l);

/* Begins etc/wireguard/DEVICE.conf, up to ret_addresses, its line of addresses. A client has its
 * private key in the file, if the key is ours. Other hosts have it in a file beside, where an own
 * key also goes. */
FILE *conf_begin(const struct gen *g, const struct topology_host *h, const char *device,
		 struct conf_list *ret_addresses);
void conf_settings(const struct gen *g, const struct topology_host *h, const char *device,
		   FILE *out, __be16 port, unsigned int mtu);
/* Writes DEVICE-privatekey and DEVICE-publickey; ends the file before */
void conf_keys(const struct gen *g, const struct topology_host *h, const char *device,
	       const struct wg_key *public);

struct conf_peer {
	const char *name;
	const struct wg_key *key;
	const char *preshared;		/* NULL: none */
	const struct topology_host *at;	/* the relay or gateway of the endpoint; NULL: use where */
	const struct address *where;
	__be16 port;			/* 0: that of `at` */
	unsigned int keepalive;		/* seconds; 0: none */
};
/* Writes a peer up to its AllowedIPs, which are returned */
struct conf_list conf_peer(const struct gen *g, FILE *out, const struct conf_peer *p);

/* The host's name in UCI, which has no hyphens */
const char *gen_uci_name(const struct topology_host *h, char buf[TOPOLOGY_NAME]);

void gen_wireguard_gateway(const struct gen *g, const struct topology_host *h);
/* also for roaming routers */
void gen_wireguard_client(const struct gen *g, const struct topology_host *h);
