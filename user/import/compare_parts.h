/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The parts of compare_run(): the packets, the answer of the rules, and the answer of the
 * configuration. Only files of compare include it.
 */
#pragma once
#include "import/compare.h"

#define PACKETS_MAX 200000		/* most packets of a comparison */

struct compare_target {
	struct address to;		/* as in struct compare_packet */
	__u8 family;
	bool local;
};

/* All combinations of these are the packets. */
struct compare_space {
	const char **ins;		/* interfaces on which clients arrive */
	struct compare_target *targets;
	__u16 *ports;
	struct address *clients[2];	/* IPv4, IPv6; sorted */
	size_t n_ins, n_targets, n_ports, n_clients[2];
	size_t left_out;		/* addresses and ports that are too many */
};

/* Chooses the packets: one at each end of everything that the rules or the configuration
 * distinguish, and beside it. */
void compare_choose(struct import *im, const struct config *config, struct compare_space *s);
void compare_space_free(struct compare_space *s);

/* Writes the answers of the rules about the rows, which differ only in their clients, and are
 * sorted by these. */
void compare_rules(struct import *im, struct compare_row *rows, size_t n);

/* Returns the elements of a named set; NULL: unknown. */
typedef const struct rule_set *compare_find_set(void *data, const char *name);
/* Returns the answer of the configuration, which depends on nothing else but the elements of
 * sets. */
struct compare_answer compare_config(const struct config *c, const struct compare_packet *p,
				     compare_find_set *find, void *data);
