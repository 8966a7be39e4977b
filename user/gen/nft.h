/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * nftables rules as text: a table of our own, which can be loaded repeatedly, the words of rules,
 * and a relay's input and forward rules. For `gen nft` (gen_config_nft.c, nft_service.c) and the
 * hosts of a topology (gen_nft.c).
 */
#pragma once
#include <stdio.h>
#include "config/config.h"

#define NFT_PORT 51820				/* WireGuard's default */
#define NFT_ICMPV6_ALL (~0U)			/* types of struct policy_config */

struct nft_devices {				/* names of interfaces, without duplicates */
	struct device_name *list;
	size_t n;
};

/* Returns 0 or -ENOMEM; ignores "" */
int nft_devices_add(struct nft_devices *d, const char *name);

/* `table inet NAME {`, replacing a table of that name; and its end */
void nft_begin(FILE *out, const char *table);
void nft_end(FILE *out);
/* `chain NAME {`, of type filter or nat, with a policy; and its end */
void nft_chain(FILE *out, const char *name, const char *type, const char *hook,
	       const char *priority, const char *policy);
void nft_chain_end(FILE *out);

/* Words of rules, each followed by a blank. A list of one has no braces. */
/* iifname { "eth0", "eth1" } */
void nft_put_devices(FILE *out, const char *word, const struct nft_devices *d);
void nft_put_device(FILE *out, const char *word, const char *name);
/* ip daddr 192.0.2.1; word: "daddr" */
void nft_put_address(FILE *out, const char *word, const struct address *a);
void nft_put_prefix(FILE *out, const char *word, const struct prefix *p);
const char *nft_ip(__u8 family); /* "ip" or "ip6" */
void nft_put_icmpv6(FILE *out, __u32 types);	/* icmpv6 type { … } */

void nft_put_states(FILE *out); /* drops invalid packets, accepts established and related ones */
void nft_put_log(FILE *out, const char *what);	/* logs up to ten packets a second */

struct nft_input {				/* the packets that a router lets in */
	const __u16 *ports;			/* WireGuard's, host order */
	size_t n_ports;
	/* tunnels between relays, with BGP and BFD; NULL or empty: none */
	const struct nft_devices *between;
	const char *lan; /* an edge router's, with VRRP, router solicitations and MLD; NULL: none */
	const char *inside;		/* a firewall's LAN, from which everything comes in */
	const char *tunnel;		/* Prometheus asks through it; NULL: it may not */
	struct address exporter;	/* asked there; family 0: none */
	__u16 exporter_port;
};

/* The set of TCP ports (host order) that chain input accepts; may be empty */
void nft_tcp_ports(FILE *out, const char *table, const __u16 *ports, size_t n);
/* The chain input; it logs and drops everything else */
void nft_input(FILE *out, const struct nft_input *in);
/* The end of a chain forward: what a relay passes between tunnels; logs and rejects everything
 * else */
void nft_relay_forward(FILE *out, const struct nft_devices *tunnels, const struct policy_config *p);
