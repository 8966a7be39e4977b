/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * nftables rules as text: a table of our own, which can be loaded repeatedly, the words of rules,
 * and a relay's input and forward rules. For `gen nft` (gen_config_nft.c, nft_service.c) and the
 * hosts of a topology (gen_nft.c).
 */
#pragma once
#include <stdio.h>
#include "config/config.h"

#define NFT_PORT 51820				/* default UDP port of WireGuard */
#define NFT_ICMPV6_ALL (~0U)	/* value of struct policy_config .icmpv6 that allows every type */

struct nft_devices {				/* list of interface names, without duplicates */
	struct device_name *list;
	size_t n;
};

/* Adds a name to the list, unless it is "" or the list has it. */
void nft_devices_add(struct nft_devices *d, const char *name);

/* Begins a table: `table inet NAME {`, which replaces a table of that name. nft_end() ends it. */
void nft_begin(FILE *out, const char *table);
void nft_end(FILE *out);
/* Begins a chain: `chain NAME {`, of type filter or nat, with a policy. nft_chain_end() ends it. */
void nft_chain(FILE *out, const char *name, const char *type, const char *hook,
	       const char *priority, const char *policy);
void nft_chain_end(FILE *out);

/* Each nft_put function prints a part of a rule and a blank. A list of one item has no braces. */
/* Prints a match of devices, such as: iifname { "eth0", "eth1" }. */
void nft_put_devices(FILE *out, const char *word, const struct nft_devices *d);
void nft_put_device(FILE *out, const char *word, const char *name);
/* Prints a match of an address, such as: ip daddr 192.0.2.1. word: "daddr" or "saddr". */
void nft_put_address(FILE *out, const char *word, const struct address *a);
const char *nft_ip(__u8 family); /* returns "ip" or "ip6" */

/* Prints rules that drop invalid packets, and accept established and related ones. */
void nft_put_states(FILE *out);
/* Prints a rule that logs packets, at most ten a second. what: the prefix of the log line. */
void nft_put_log(FILE *out, const char *what);

struct nft_input {				/* packets that a router accepts for itself */
	const __u16 *ports;			/* UDP ports of WireGuard, in host order */
	size_t n_ports;
	/* Tunnels between relays, which carry BGP and BFD or, for a blind pair, the connection of
	 * wgxdp's daemons; NULL or empty: none. */
	const struct nft_devices *between;
	bool blind;
	const char *vrrp;	/* interface of a relay with VRRP; NULL: none */
	/* Tunnel through which a blind relay asks this host, and needs an answer; NULL: none. */
	const char *asked;
	/* LAN of an edge router, with VRRP and router solicitations; NULL: none. */
	const char *lan;
	const char *inside; /* LAN of a firewall, from which every packet is accepted; NULL: none */
	const char *tunnel; /* device by which Prometheus may ask the exporter; NULL: it may not */
	struct address exporter;	/* address of the exporter; family 0: none */
	__u16 exporter_port;
};

/* Prints the set of TCP ports (host order) that the chain input accepts. It may be empty. */
void nft_tcp_ports(FILE *out, const char *table, const __u16 *ports, size_t n);
/* Prints the chain input: it accepts the packets that `in` describes, and logs and drops others. */
void nft_input(FILE *out, const struct nft_input *in);
/* Prints the end of a relay's chain forward: it passes packets between tunnels as the policy
 * allows, and logs and rejects all others. */
void nft_relay_forward(FILE *out, const struct nft_devices *tunnels, const struct policy_config *p);
