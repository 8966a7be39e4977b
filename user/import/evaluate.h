/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Finds out what a chain of rules does with the first UDP packet of a client, for all clients at
 * once. services.c includes it.
 */
#pragma once
#include "import/rules.h"
#include "import/sources.h"

struct import_packet {
	__u8 family;
	const char *in;			/* interface on which it arrives */
	const char *out;		/* interface to the backend; NULL: unknown */
	/* If `out` is unknown: the interfaces of which it takes one; NULL: unknown too */
	const struct rule_match *ways;
	bool not_in;			/* it does not leave by `in` */
	struct address to;		/* family 0: an address of `in`, which is unknown */
	__u16 port;
	struct address first_to;	/* the same before translation */
	__u16 first_port;
	bool unnamed;		/* that address is none that a rule names as a single host */
	bool local, local_in;	/* `to` is an address of this host, or of `in` */
	bool translated;
};

enum rule_answer { IS_NO, IS_MAYBE, IS_LIKELY, IS_YES };
/* Returns whether the packet meets a condition. Every packet meets FIELD_SOURCE here. IS_LIKELY: if
 * it leaves by an unknown interface. */
enum rule_answer rule_match_answer(const struct rule_match *m, const struct import_packet *p);

struct evaluation {
	const struct rules *rules;
	const struct import_packet *packet;
	struct source_work *work;
	unsigned int depth;
	/* Called for each decision about these sources. rule: NONE for a policy. */
	void (*decided)(void *data, size_t rule, enum rule_verdict v, const struct source_set *s);
	/* Called for each rule that may decide about these sources under unknown conditions. The
	 * evaluation then continues as if the rule did not match. */
	void (*unsure)(void *data, size_t rule, const struct source_set *s);
	void *data;
};

/* Runs a base chain for packets from these sources. */
void evaluate_chain(struct evaluation *e, size_t chain, const struct source_set *sources);

/* Returns whether the packet passes a base chain of this hook. nat: a chain that translates. At
 * egress, an unknown interface may be the chain's device. */
bool evaluate_sees(const struct rule_chain *c, enum rule_hook hook, bool nat,
		const struct import_packet *p);
/* Returns the chain that the packet passes behind `last` (NONE: the first one), by priorities, and
 * with equal priorities by their order. NONE: there is none left. */
size_t evaluate_next_chain(const struct rules *r, enum rule_hook hook, bool nat,
		  const struct import_packet *p, size_t last);
