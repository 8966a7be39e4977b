/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Whether a ruleset of nftables, as `nft -j list ruleset` prints it, drops a packet of which not
 * everything is known. `list` below is the ruleset's list of objects. For doctor_rules.c.
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
	/* Called for each rule that drops by source, with the sources; or NULL. Then rules that may
	 * match end nothing */
	void (*by_source)(void *data, struct yaml_node *sources);
	void *data;
};

/* Returns a scalar by its path below an object, as "/match/op"; "": there is none */
const char *rule_text(struct yaml_node *object, const char *path);
/* Whether the packet meets a base chain */
bool chain_sees(struct yaml_node *chain, const struct packet *p);
/* Whether a rule of the base chain, or its policy, surely drops the packet */
bool chain_drops(struct yaml_node *list, struct yaml_node *chain, const struct packet *p);
