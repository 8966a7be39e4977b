/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * nftables rules as text: a table of our own, which can be loaded repeatedly, the words of rules,
 * and a relay's forward rules. For `gen nft` (gen_config_nft.c, nft_service.c) and the
 * hosts of a topology (gen_nft.c).
 */
#pragma once
#include <stdio.h>
#include "config/config.h"

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

/* Prints a list of ports, such as 22, 8000-8010. before: a text before the first one, if any. */
void nft_put_ports(FILE *out, const char *before, const struct port_range *list, size_t n);
/* Prints the ICMPv6 types of struct policy_config .icmpv6: icmpv6 type { … }. */
void nft_put_icmpv6(FILE *out, __u32 types);
/* Prints rules that drop invalid packets, and accept established and related ones. */
void nft_put_states(FILE *out);
/* Prints a rule that logs packets, at most ten a second. what: the prefix of the log line. */
void nft_put_log(FILE *out, const char *what);

/* Prints the rules that accept what the policy allows. match: matches of devices and addresses,
 * with a blank at the end. */
void nft_policy(FILE *out, const char *match, const struct policy_config *p);
/* Prints the end of a relay's chain forward: it passes packets between tunnels as the policy
 * allows, and logs and rejects all others. */
void nft_relay_forward(FILE *out, const struct nft_devices *tunnels, const struct policy_config *p);
