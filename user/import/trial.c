/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Implements trial.h.
 */
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include "import/trial.h"
#include "import/way_out.h"

#define DSTNAT (-100)	/* priority of the chains that translate destinations */

enum { FILTERS, TRANSLATES, MASQUERADES };

/* ---- decisions ---- */

static void replace(struct source_set *old, struct source_set new)
{
	sources_free(old);
	*old = new;
}

static void add(struct trial *t, struct source_set *to, const struct source_set *s)
{
	replace(to, sources_or(&t->im->work, to, s));
}

static void use(struct trial *t, size_t rule)
{
	rules_list_add(&t->used, &t->n_used, rule);
}

static bool same_target(const struct rule *a, const struct rule *b)
{
	return a->n_sources == b->n_sources && a->ports.first == b->ports.first &&
	       a->ports.last == b->ports.last &&
	       !memcmp(a->sources, b->sources, a->n_sources * sizeof(*a->sources));
}

static void filter(struct trial *t, size_t rule, enum rule_verdict v, const struct source_set *s)
{
	if (rule != NONE)
		use(t, rule);
	if (v == RULE_ACCEPT) {
		add(t, &t->passed, s);
		if (rule != NONE)
			way_out_note(&t->im->rules.list[rule], t->out, &t->several_out);
	} else {
		t->refusing = &t->im->rules.chains[t->chain];
	}
}

static void translate(struct trial *t, size_t rule, enum rule_verdict v,
		      const struct source_set *s)
{
	const struct rule *list = t->im->rules.list;

	if (rule != NONE && t->dnat != NONE && v == RULE_DNAT &&
	    same_target(&list[rule], &list[t->dnat])) {
		use(t, rule);
		add(t, &t->taken, s);
	} else if (v == RULE_ACCEPT) {
		add(t, &t->passed, s);	/* this chain does not translate it */
		if (rule != NONE)
			use(t, rule);
	} else if (rule != NONE) {
		t->earlier = rule;
	}
}

static void decided(void *data, size_t rule, enum rule_verdict v, const struct source_set *s)
{
	struct trial *t = data;

	if (t->phase == FILTERS) {
		filter(t, rule, v, s);
	} else if (t->phase == TRANSLATES) {
		translate(t, rule, v, s);
	} else if (v == RULE_SNAT && rule != NONE &&
		   (t->snat == NONE || same_target(&t->im->rules.list[rule],
						   &t->im->rules.list[t->snat]))) {
		t->snat = rule;
		add(t, &t->masked, s);
	}
}

static void unsure(void *data, size_t rule, const struct source_set *s)
{
	struct trial *t = data;
	struct rules *r = &t->im->rules;
	char text[ADDRESS_STRLEN];

	if (t->quiet && t->phase != TRANSLATES)
		return;
	if (t->phase == TRANSLATES) {
		/* services.c names it */
		if (t->guesses && !r->list[rule].unknown)
			translate(t, rule, r->list[rule].verdict, s);
		return;
	}
	if (t->phase == MASQUERADES && !r->list[rule].unknown)
		rule_name(r, rule, "it may be for packets to %s: if it is, write nat: masquerade",
			  address_format(&t->then.to, text));
	else
		rule_name(r, rule, "it decides about packets to %s by a condition that wgxdp "
			  "lacks: wgxdp %s", address_format(&t->then.to, text),
			  r->list[rule].verdict == RULE_ACCEPT ?
			  "forwards no packet because of this rule" :
			  "forwards these packets without it");
}

/* ---- chains ---- */

static void run(struct trial *t, int phase, size_t chain, const struct import_packet *p,
		const struct source_set *sources)
{
	struct evaluation e = {
		.rules = &t->im->rules, .packet = p, .work = &t->im->work, .decided = decided,
		.unsure = unsure, .data = t,
	};

	t->phase = phase;
	t->chain = chain;
	evaluate_chain(&e, chain, sources);
}

/* Leaves those clients whose packets the filtering chains of a hook accept, if their priorities are
 * from `lowest` to `highest`. */
static void run_filters(struct trial *t, enum rule_hook hook, int lowest, int highest)
{
	const struct rules *r = &t->im->rules;
	bool is_first = hook == HOOK_INGRESS || highest < DSTNAT;

	for (size_t i = 0; i < r->n_chains; i++) {
		const struct rule_chain *c = &r->chains[i];

		if (!evaluate_sees(c, hook, false, &t->then) || c->priority < lowest ||
		    c->priority > highest)
			continue;
		run(t, FILTERS, i, is_first ? &t->first : &t->then, &t->clients);
		replace(&t->clients, t->passed);
		t->passed = (struct source_set){ 0 };
	}
}

static size_t next_nat_chain(const struct trial *t, enum rule_hook hook, size_t last)
{
	return evaluate_next_chain(&t->im->rules, hook, true, &t->then, last);
}

/* Computes the sources whose packets the rule, or one with the same target, translates: .taken. */
static void run_translation(struct trial *t, const struct import_packet *p,
			    const struct source_set *sources)
{
	struct source_set left = sources_or(&t->im->work, sources, &(struct source_set){ 0 });

	sources_free(&t->taken);
	for (size_t c = NONE; (c = next_nat_chain(t, HOOK_PREROUTING, c)) != NONE && left.n;) {
		run(t, TRANSLATES, c, p, &left);
		replace(&left, t->passed);
		t->passed = (struct source_set){ 0 };
	}
	if (t->dnat == NONE)
		replace(&t->taken, left);
	else
		sources_free(&left);
}

static void run_masquerade(struct trial *t, const struct import_packet *p)
{
	struct source_set all = sources_all(&t->im->work, p->family);

	sources_free(&t->masked);
	t->snat = NONE;
	for (size_t c = NONE; (c = next_nat_chain(t, HOOK_POSTROUTING, c)) != NONE && !t->masked.n;)
		run(t, MASQUERADES, c, p, &all);
	sources_free(&all);
}

/* ---- the interface to the backend ---- */

static void set_out(struct trial *t)
{
	t->then.out = *t->out && !t->several_out ? t->out : NULL;
	t->then.not_in = is_private(&t->then.to);
}

/* ---- the trial ---- */

/* Returns whether clients behind an interface, which leads to the backend, are masqueraded: those
 * at the address next to the backend's, and not only the backend itself. */
static bool is_masqueraded_from(struct trial *t, const char *lan)
{
	struct import_packet first = t->first, then = t->then;
	struct source_set all = sources_all(&t->im->work, first.family);
	struct address neighbour = t->then.to;
	size_t n = t->n_used;
	bool found;

	neighbour.addr.b[15] ^= 1;
	first.in = then.in = then.out = lan;
	first.local_in = then.not_in = false;
	t->guesses = true;
	run_translation(t, &first, &all);
	t->guesses = false;
	found = sources_have(&t->taken, &neighbour);
	if (found)
		run_masquerade(t, &then);
	found = found && sources_have(&t->masked, &neighbour);
	if (found)
		use(t, t->snat);
	else
		t->n_used = n;
	sources_free(&all);
	return found;
}

/* Tries the interfaces that lead to the backend, or may do so. */
static bool is_hairpin(struct trial *t)
{
	if (t->then.out)
		return is_masqueraded_from(t, t->then.out);
	for (size_t i = 0; i < t->im->n_lans; i++)
		if (strcmp(t->im->lans[i], t->first.in) &&
		    is_masqueraded_from(t, t->im->lans[i]))
			return true;
	return is_masqueraded_from(t, "another");
}

static bool is_subset(struct trial *t, const struct source_set *a, const struct source_set *b)
{
	struct source_set rest = sources_minus(&t->im->work, a, b);
	bool all = !rest.n;

	sources_free(&rest);
	return all;
}

static void find_masquerade(struct trial *t)
{
	struct source_set part;

	if (!t->then.out && !t->ways && !t->then.not_in && t->first.family == FAMILY_IPV4)
		t->then.out = t->first.in;	/* a public address is behind the wan */
	run_masquerade(t, &t->then);
	t->masquerades = t->masked.n && is_subset(t, &t->clients, &t->masked);
	if (t->masquerades) {
		use(t, t->snat);
		return;
	}
	part = sources_and(&t->im->work, &t->clients, &t->masked);
	if (part.n && !t->quiet && !sources_have(&part, &t->then.to))
		rule_name(&t->im->rules, t->snat, "it masquerades only some clients, and a "
			  "service masquerades all or none");
	sources_free(&part);
	t->hairpin = t->dnat != NONE &&
		     (t->im->rules.list[t->dnat].hairpin || is_hairpin(t));
}

bool trial_run(struct trial *t)
{
	const struct rule *dnat = t->dnat == NONE ? NULL : &t->im->rules.list[t->dnat];
	struct source_set before = { 0 };

	t->earlier = t->snat = NONE;
	t->then = t->first;
	t->then.first_to = t->first.to;
	t->then.first_port = t->first.port;
	t->then.ways = t->ways;
	if (dnat) {
		use(t, t->dnat);
		t->then.to = dnat->to;
		t->then.port = dnat->ports.first ?: t->first.port;
		t->then.translated = true;
		t->then.local = false;
	}
	t->clients = sources_all(&t->im->work, t->first.family);
	run_filters(t, HOOK_INGRESS, INT_MIN, INT_MAX);
	run_filters(t, HOOK_PREROUTING, INT_MIN, DSTNAT - 1);
	before = t->clients;
	run_translation(t, &t->first, &before);
	t->clients = t->taken;
	t->taken = (struct source_set){ 0 };
	t->narrows = dnat && !is_subset(t, &before, &t->clients);
	if (before.n && !t->clients.n)
		t->refusing = NULL;	/* another rule took the packets */
	sources_free(&before);
	if (!t->clients.n)
		return false;
	way_out_find(t->im, &t->then.to, t->out);
	set_out(t);
	run_filters(t, HOOK_PREROUTING, DSTNAT, INT_MAX);
	run_filters(t, HOOK_FORWARD, INT_MIN, INT_MAX);
	set_out(t);
	run_filters(t, HOOK_POSTROUTING, INT_MIN, INT_MAX);
	if (t->clients.n)
		find_masquerade(t);
	return t->clients.n && !t->im->work.failed;
}

void trial_free(struct trial *t)
{
	sources_free(&t->clients);
	sources_free(&t->passed);
	sources_free(&t->taken);
	sources_free(&t->masked);
	free(t->used);
}
