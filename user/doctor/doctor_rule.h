/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Tells whether a ruleset of nftables, as `nft -j list ruleset` prints it, drops a packet of which
 * only some fields are known. `list` below is the ruleset's list of objects. Included by
 * doctor_rules.c.
 */
#pragma once
#include "lib/addr.h"
#include "lib/yaml_tree.h"

/* The first UDP packet of a connection, from any source to any address */
struct packet {
	const char *hook;		/* input, forward … */
	const char *in;			/* interface */
	__u8 family;
	char port[8];			/* destination, decimal */
	/* If set, it is called for each rule that drops by source, with the sources. Then a rule
	 * that may match does not end the search. */
	void (*by_source)(void *data, struct yaml_node *sources);
	void *data;
};

/* Returns a scalar by its path below an object, as "/match/op"; "": there is none */
const char *rule_text(struct yaml_node *object, const char *path);
/* Returns whether the packet reaches a base chain */
bool chain_sees(struct yaml_node *chain, const struct packet *p);
/* Returns whether a rule of the base chain, or its policy, certainly drops the packet */
bool chain_drops(struct yaml_node *list, struct yaml_node *chain, const struct packet *p);
