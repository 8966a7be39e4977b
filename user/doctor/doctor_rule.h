/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Tells whether a ruleset of nftables, as `nft -j list ruleset` prints it, drops a packet of which
 * only some fields are known. `list` below is the ruleset's list of objects. doctor_rules.c
 * includes it.
 */
#pragma once
#include "lib/addr.h"
#include "lib/yaml_tree.h"

/* A UDP packet that begins a connection, from any source to any address. */
struct packet {
	const char *hook;		/* such as "input" or "forward" */
	const char *in;			/* interface on which it arrives */
	__u8 family;
	char port[8];			/* destination port in decimal digits */
	/* Not NULL: called with the sources of each rule that drops all such packets from them. The
	 * search then continues as if the rule did not match. */
	void (*by_source)(void *data, struct yaml_node *sources);
	void *data;
};

/* Returns the text at a path in a JSON object of nft, such as "/match/op"; "": there is none. */
const char *rule_text(struct yaml_node *object, const char *path);
/* Returns whether the packet reaches this base chain. */
bool chain_sees(struct yaml_node *chain, const struct packet *p);
/* Returns whether a rule of the base chain, or its policy, certainly drops the packet. */
bool chain_drops(struct yaml_node *list, struct yaml_node *chain, const struct packet *p);
