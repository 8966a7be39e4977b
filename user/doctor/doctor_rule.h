/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What a ruleset of nftables, as `nft -j list ruleset` tells it, does with one packet: in three values, for of a packet that has not come
 * yet not everything is known.
 */
#pragma once
#include "lib/addr.h"
#include "lib/yaml_tree.h"

enum answer_of { IS_NO, IS_MAYBE, IS_YES };

struct packet {				/* of UDP, the first one of its connection, from anywhere */
	const char *hook;		/* input, forward … */
	const char *in, *out;		/* interfaces; NULL: none */
	struct address to;		/* family 0: an address of this host, whichever */
	__u8 family;
	__u16 port;			/* host order */
};

struct rules {
	const struct yaml_node *list;	/* of objects: tables, chains, sets, rules */
};

/* A value of an object by its key, as of {"chain": {…}} */
const struct yaml_node *rule_value(const struct yaml_node *map, const char *key);
const char *rule_text(const struct yaml_node *map, const char *key);	/* "" where there is none */

/* Whether one thing that a rule asks for holds */
enum answer_of rule_matches(const struct rules *r, const struct yaml_node *table, const struct yaml_node *match, const struct packet *p);
/* Whether a base chain ends the packet: IS_YES, by a rule or its policy; IS_MAYBE: some packets of that kind */
enum answer_of chain_drops(const struct rules *r, const struct yaml_node *chain, const struct packet *p);
/* A base chain of the hook, of the packet's family */
bool chain_sees(const struct yaml_node *chain, const struct packet *p);
