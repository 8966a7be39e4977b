/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Rules of nftables as text: a table of our own, which may be loaded again and again, the words that rules consist of, and what a relay
 * lets in and forwards. For `gen nft` (gen_config_nft.c, nft_service.c) and for the hosts of a topology (gen_nft.c).
 */
#pragma once
#include <stdio.h>
#include "config/config.h"

#define NFT_PORT 51820				/* WireGuard's, where nobody says another */
#define NFT_ICMPV6_ALL (~0U)			/* types of struct policy_config */

struct nft_devices {				/* names of interfaces, each once */
	struct device_name *list;
	size_t n;
};

/* 0 or -ENOMEM; "" is none */
int nft_devices_add(struct nft_devices *d, const char *name);

/* `table inet NAME {`, with which whatever a table of that name had before is gone; and its end */
void nft_begin(FILE *out, const char *table);
void nft_end(FILE *out);
/* `chain HOOK {`, of type filter or nat, with a policy; and its end */
void nft_chain(FILE *out, const char *name, const char *type, const char *hook, const char *priority, const char *policy);
void nft_chain_end(FILE *out);

/* Words of rules, each with a blank behind it. A list of one stands without braces. */
void nft_put_devices(FILE *out, const char *word, const struct nft_devices *d);	/* iifname { "eth0", "eth1" } */
void nft_put_device(FILE *out, const char *word, const char *name);
void nft_put_address(FILE *out, const char *word, const struct address *a);	/* ip daddr 192.0.2.1; word: "daddr" */
void nft_put_prefix(FILE *out, const char *word, const struct prefix *p);
void nft_put_icmpv6(FILE *out, __u32 types);				/* icmpv6 type { … } */

void nft_put_states(FILE *out);			/* the rule that drops what is invalid, and accepts what was begun or is about that */
void nft_put_log(FILE *out, const char *what);	/* the rule that logs what comes to it, ten a second */

struct nft_input {				/* what is let in to a router of scenario S */
	const __u16 *ports;			/* WireGuard's, host order */
	size_t n_ports;
	const struct nft_devices *between;	/* tunnels from relay to relay, with BGP and BFD; NULL or empty: none */
	const char *lan;			/* of an edge router, with VRRP, router solicitations and MLD; NULL: a relay's has none */
};

/* The set that the chain input asks for TCP, which may be empty; host order */
void nft_tcp_ports(FILE *out, const char *table, const __u16 *ports, size_t n);
/* The chain; everything else is logged and dropped */
void nft_input(FILE *out, const struct nft_input *in);
/* At the end of a chain forward: what a relay lets pass from tunnel to tunnel; everything else is logged and refused */
void nft_relay_forward(FILE *out, const struct nft_devices *tunnels, const struct policy_config *p);
