/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Compares, packet by packet, what the old rules do with what a configuration does. No packet is
 * sent. cmd/ includes it.
 */
#pragma once
#include "import/import.h"

struct compare_packet {			/* the first packet of a client */
	__u8 family;
	const char *in;			/* interface on which it arrives; NULL: unknown */
	/* Its destination; family 0: an address of `in` that neither rules nor the configuration
	 * name. local: it is an address of this host. */
	struct address to;
	bool local;
	__u16 port;
	struct address from;
};

enum compare_way {
	WAY_UNDECIDED,
	WAY_FORWARD,
	WAY_DROP,
	WAY_HOST,			/* passed to this host itself */
	WAY_KERNEL,			/* the configuration leaves it to the kernel */
};

struct compare_answer {
	enum compare_way way;
	/* With WAY_FORWARD: its new destination, and its source: kept, or the addresses (none: the
	 * address of the route) and ports of this host that it may get. */
	struct address to;
	__u16 port;
	bool masquerades;
	const struct address *sources;
	size_t n_sources;
	struct port_range ports;
	/* The rule that decides (NONE: the policy of `chain`, or none), and whether a rule
	 * translates the destination, or may do so. */
	size_t rule, chain;
	bool translates;
	/* The service of the configuration; NULL: none. */
	const struct service_config *service;
	const struct list_config *list;	/* list of other programs that decides; NULL: none */
	const char *why;		/* sentence without a subject; NULL: there is none */
};

enum compare_result { COMPARE_AGREES, COMPARE_DIFFERS, COMPARE_UNDECIDED, COMPARE_RESULTS };

struct compare_row {
	struct compare_packet packet;
	struct compare_answer rules, config;
	enum compare_result result;
};

struct compare_cause {			/* rows that differ, or are undecided, for one cause */
	size_t row;			/* the first row of them */
	size_t n;
};

#define CAUSES_MAX 500

struct comparison {
	struct import *im;
	const struct config *config;
	struct compare_row *rows;
	size_t n, n_of[COMPARE_RESULTS];
	struct compare_cause *causes;	/* those that differ first */
	size_t n_causes;
	size_t unlisted;		/* packets that differ for causes beyond CAUSES_MAX */
	size_t left_out;		/* addresses and ports, of which there were too many */
};

/* Compares the rules, after import_make() or import_rules(), with a configuration. Returns 0, or
 * -errno after printing an error. */
int compare_run(struct comparison *c, struct import *im, const struct config *config);
/* Print the comparison. all: also list all packets. */
void compare_print(const struct comparison *c, bool all, FILE *out);
void compare_print_json(const struct comparison *c, bool all, FILE *out);
void compare_free(struct comparison *c);
