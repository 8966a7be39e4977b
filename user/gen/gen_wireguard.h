/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What files of wg-quick are made of: conf_begin(), addresses, conf_end(), conf_settings(), more settings, and for each peer conf_peer(),
 * its AllowedIPs and conf_end(); then conf_keys().
 */
#pragma once
#include "gen/gen_host.h"

/* The firewall that serves a gateway, or itself */
const struct topology_host *gen_front(const struct topology *t, const struct topology_host *h);
/* Where a relay, or a gateway, is reached: by its name if the topology has a domain, else by its first address; a gateway behind a firewall
 * by that one's; a way out by its IPv6 address, which needs no DNS and no IPv4. Without brackets. */
void gen_endpoint(const struct topology *t, const struct topology_host *h, char ret_host[GEN_NAME], __be16 *ret_port);
/* A roaming router's own in the prefix of its LAN: the first; family 0: that has no IPv6 */
struct address gen_lan_address(const struct topology_host *h);
/* Neither IPv4 nor an ULA: others route it, or the link has it */
bool gen_is_global6(const struct address *a);

struct conf_list {			/* "Address = one, other": a line that is not there if it is empty */
	FILE *out;
	const char *key;
	bool more;
};
void conf_text(struct conf_list *l, const char *text);
void conf_prefix(struct conf_list *l, const struct prefix *p);
void conf_address(struct conf_list *l, const struct address *a);	/* /32 or /128; nothing if it is none */
void conf_end(const struct conf_list *l);

/* etc/wireguard/DEVICE.conf up to the addresses; ret_addresses is their line. Who is a client has its private key in the file, if it is
 * ours; the others have it beside, where those whose key is their own put it. */
FILE *conf_begin(const struct gen *g, const struct topology_host *h, const char *device, struct conf_list *ret_addresses);
void conf_settings(const struct gen *g, const struct topology_host *h, const char *device, FILE *out, __be16 port, unsigned int mtu);
/* DEVICE-privatekey and DEVICE-publickey; ends the file before */
void conf_keys(const struct gen *g, const struct topology_host *h, const char *device, const struct wg_key *public);

struct conf_peer {
	const char *name;
	const struct wg_key *key;
	const char *preshared;		/* NULL: none */
	const struct topology_host *at;	/* the relay or gateway where it is reached; NULL: where, if that is known */
	const struct address *where;
	__be16 port;			/* 0: that of `at` */
	unsigned int keepalive;		/* seconds; 0: none */
};
/* Up to its AllowedIPs, which is what is returned */
struct conf_list conf_peer(const struct gen *g, FILE *out, const struct conf_peer *p);

/* As a part of a section's name in UCI, where there are no hyphens */
const char *gen_uci_name(const struct topology_host *h, char buf[TOPOLOGY_NAME]);

void gen_wireguard_gateway(const struct gen *g, const struct topology_host *h);
void gen_wireguard_client(const struct gen *g, const struct topology_host *h);	/* and roaming routers */
