/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Sends the first packet of a client through all chains on the way to a backend. services.c and
 * services_sets.c include it.
 */
#pragma once
#include "import/import.h"

struct trial {
	struct import *im;
	size_t dnat;			/* rule that translates it; NONE: none may do so */
	struct import_packet first;	/* as it arrives; .in and .to as in evaluate.h */
	const struct rule_match *ways;	/* as in evaluate.h, for .then */
	bool quiet;			/* name no rule */
	/* Results */
	struct import_packet then;	/* as it is forwarded */
	struct source_set clients;	/* sources whose packets arrive at the backend */
	bool narrows;		/* packets of other sources were for this host itself */
	bool masquerades, hairpin;
	size_t snat;			/* rule that masquerades */
	size_t *used;			/* rules that decided, the translating one first */
	size_t n_used;
	/* If it fails: the chain that drops the packet, or the rule that translates it instead.
	 * NULL or NONE: none. */
	const struct rule_chain *refusing;
	size_t earlier;
	/* for trial.c */
	int phase;
	bool guesses;		/* a condition about the unknown address of `in` holds */
	size_t chain;
	struct source_set passed, taken, masked;
	char out[IFNAMSIZ];
	bool several_out;
};

/* Returns whether packets of any source arrive at the backend. */
bool trial_run(struct trial *t);
/* Tries the packet again, with a full set among named sets that are empty now, after trial_run()
 * failed. Returns whether it then arrives; .clients are still those of now: none. Defined in
 * services_sets.c. */
bool trial_run_with_sets(struct trial *t);
void trial_free(struct trial *t);
