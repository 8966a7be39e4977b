/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Returns what the rules do with packets that differ only in their clients. The chains of all hooks
 * on the packets' way are run for all clients at once.
 */
#include <limits.h>
#include "import/compare_parts.h"
#include "import/way_out.h"
#include "lib/memory.h"

#define DSTNAT (-100)	/* priority of the chains that translate destinations */

enum phase { FILTERS, TRANSLATES, MASQUERADES };

struct state {				/* one client's */
	bool done;			/* its answer is known */
	bool here;			/* the chain that runs gets its packet */
	size_t dnat;			/* rule that translates it; NONE: none */
	bool redirected;
	/* In this chain: the first rule that may decide about it under unknown conditions, or
	 * NONE, and whether all such rules would accept, or drop. */
	size_t unsure;
	bool accepts, drops;
	size_t undecided;		/* such a rule of an earlier chain, or NONE */
};

struct walk {
	struct import *im;
	struct compare_row *rows;
	size_t n;
	struct address *clients;
	bool *marks;
	struct state *states;
	struct import_packet packet;
	size_t group;			/* the rule that translates the packets that run now */
	enum phase phase;
	size_t chain;
	char out[IFNAMSIZ];
	bool several_out;
};

/* ---- decisions ---- */

static void finish(struct walk *w, size_t i, enum compare_way way, size_t rule)
{
	struct compare_answer *a = &w->rows[i].rules;

	a->way = way;
	a->rule = rule;
	a->chain = w->chain;
	w->states[i].done = true;
}

/* Decides about a client at the end of a chain that filters. */
static void filter(struct walk *w, size_t i, size_t rule, bool drop)
{
	struct state *s = &w->states[i];
	bool matters = s->unsure != NONE && !(drop ? s->drops : s->accepts);

	if (drop && !matters)
		finish(w, i, WAY_DROP, rule);
	else if (matters && s->undecided == NONE)
		s->undecided = s->unsure;
}

static void translate(struct walk *w, size_t i, size_t rule, enum rule_verdict v)
{
	struct state *s = &w->states[i];
	const struct rule *by = rule == NONE ? NULL : &w->im->rules.list[rule];

	if (s->unsure != NONE && s->undecided == NONE)
		s->undecided = s->unsure;
	w->rows[i].rules.translates |= s->unsure != NONE;
	if (v == RULE_DNAT && by->to.family && by->to.family != w->packet.family)
		return;			/* OpenWrt's rules name no family */
	if (v == RULE_DROP)
		finish(w, i, WAY_DROP, rule);
	else if (v == RULE_REDIRECT)
		s->redirected = true;
	if (v == RULE_REDIRECT || v == RULE_DNAT)
		s->dnat = rule;
	w->rows[i].rules.translates |= s->dnat != NONE;
}

static void masquerade(struct walk *w, size_t i, size_t rule, enum rule_verdict v)
{
	struct compare_answer *a = &w->rows[i].rules;
	struct state *s = &w->states[i];

	if (s->unsure != NONE && s->undecided == NONE)
		s->undecided = s->unsure;
	if (v == RULE_DROP) {
		finish(w, i, WAY_DROP, rule);
	} else if (v == RULE_SNAT && rule != NONE && !a->masquerades) {
		a->masquerades = true;
		a->sources = w->im->rules.list[rule].sources;
		a->n_sources = w->im->rules.list[rule].n_sources;
		a->ports = w->im->rules.list[rule].ports;
	}
}

static void decided(void *data, size_t rule, enum rule_verdict v, const struct source_set *set)
{
	struct walk *w = data;

	if (w->phase == FILTERS && v == RULE_ACCEPT && rule != NONE)
		way_out_note(&w->im->rules.list[rule], w->out, &w->several_out);
	sources_mark(set, w->clients, w->n, w->marks);
	for (size_t i = 0; i < w->n; i++) {
		if (!w->marks[i] || !w->states[i].here)
			continue;
		if (w->phase == FILTERS)
			filter(w, i, rule, v == RULE_DROP);
		else if (w->phase == TRANSLATES)
			translate(w, i, rule, v);
		else
			masquerade(w, i, rule, v);
		w->states[i].here = false;
	}
}

static void unsure(void *data, size_t rule, const struct source_set *set)
{
	struct walk *w = data;
	enum rule_verdict v = w->im->rules.list[rule].verdict;

	sources_mark(set, w->clients, w->n, w->marks);
	for (size_t i = 0; i < w->n; i++) {
		struct state *s = &w->states[i];

		if (!w->marks[i] || !s->here)
			continue;
		s->unsure = s->unsure == NONE ? rule : s->unsure;
		s->accepts &= v == RULE_ACCEPT;
		s->drops &= v == RULE_DROP;
	}
}

/* ---- chains ---- */

/* Runs a base chain for the clients whose packets come to it. */
static void run_chain(struct walk *w, enum phase phase, size_t chain)
{
	struct evaluation e = {
		.rules = &w->im->rules, .packet = &w->packet, .work = &w->im->work,
		.decided = decided, .unsure = unsure, .data = w,
	};
	struct prefix *list = xcalloc(w->n, sizeof(*list));
	struct source_set sources;
	size_t n = 0;

	for (size_t i = 0; i < w->n; i++) {
		struct state *s = &w->states[i];

		s->here = !s->done && s->dnat == w->group;
		s->unsure = NONE;
		s->accepts = s->drops = true;
		if (s->here)
			list[n++] = (struct prefix){ w->clients[i].addr, w->packet.family,
				w->packet.family == FAMILY_IPV4 ? 32 : 128 };
	}
	sources = sources_of(&w->im->work, list, n);
	w->phase = phase;
	w->chain = chain;
	if (n)
		evaluate_chain(&e, chain, &sources);
	sources_free(&sources);
	free(list);
}

static void run_hook(struct walk *w, enum phase phase, enum rule_hook hook, int lowest, int highest)
{
	const struct rules *r = &w->im->rules;

	for (size_t c = NONE;
	     (c = evaluate_next_chain(r, hook, phase != FILTERS, &w->packet, c)) != NONE;)
		if (r->chains[c].priority >= lowest && r->chains[c].priority <= highest)
			run_chain(w, phase, c);
}

/* ---- the ways ---- */

/* Sets the answer of all clients whose packets are in the group. */
static void finish_group(struct walk *w, enum compare_way way)
{
	for (size_t i = 0; i < w->n; i++) {
		struct state *s = &w->states[i];
		bool sure = s->undecided == NONE;

		if (s->done || s->dnat != w->group)
			continue;
		w->chain = NONE;
		finish(w, i, sure ? way : WAY_UNDECIDED, sure ? w->group : s->undecided);
		w->rows[i].rules.to = w->packet.to;
		w->rows[i].rules.port = w->packet.port;
	}
}

/* Returns whether the way of packets to this translation is known. If not, sets the answers. */
static bool translate_group(struct walk *w, const struct rule *rule)
{
	struct import_packet *p = &w->packet;
	static const char why[] = "it may send the packet to several places";

	if (rule->n_sources > 1 || rule->ports.first != rule->ports.last) {
		for (size_t i = 0; i < w->n; i++)
			if (!w->states[i].done && w->states[i].dnat == w->group)
				w->rows[i].rules.why = why;
		finish_group(w, WAY_UNDECIDED);
		return false;
	}
	if (rule->to.family) {
		p->to = rule->to;
		p->local = p->local_in = p->unnamed = false;
	}
	p->port = rule->ports.first ?: p->port;
	p->ways = way_out_named(rule);
	p->translated = true;
	return true;
}

static void set_out(struct walk *w)
{
	struct import_packet *p = &w->packet;

	p->out = *w->out && !w->several_out ? w->out : NULL;
	p->not_in = is_private(&p->to);
}

static void run_group(struct walk *w, const struct import_packet *first)
{
	struct prefix loopback;
	bool redirected = false;

	w->packet = *first;
	w->packet.first_to = first->to;
	w->packet.first_port = first->port;
	*w->out = '\0';
	w->several_out = false;
	for (size_t i = 0; i < w->n; i++)
		redirected |= w->states[i].dnat == w->group && w->states[i].redirected;
	if (w->group != NONE && !redirected &&
	    !translate_group(w, &w->im->rules.list[w->group]))
		return;
	if (redirected || w->packet.local ||
	    (!prefix_parse("127.0.0.0/8", &loopback) && prefix_covers(&loopback, &w->packet.to))) {
		finish_group(w, WAY_HOST);
		return;
	}
	way_out_find(w->im, &w->packet.to, w->out);
	set_out(w);
	run_hook(w, FILTERS, HOOK_PREROUTING, DSTNAT, INT_MAX);
	run_hook(w, FILTERS, HOOK_FORWARD, INT_MIN, INT_MAX);
	set_out(w);
	run_hook(w, FILTERS, HOOK_POSTROUTING, INT_MIN, INT_MAX);
	if (!w->packet.out && !w->packet.ways && !w->packet.not_in &&
	    first->family == FAMILY_IPV4)
		w->packet.out = first->in;	/* a public address is behind the wan */
	run_hook(w, MASQUERADES, HOOK_POSTROUTING, INT_MIN, INT_MAX);
	finish_group(w, WAY_FORWARD);
}

/* Runs all chains that see the packets before they are translated, and those that translate. */
static void run_first(struct walk *w, const struct import_packet *first)
{
	w->packet = *first;
	w->group = NONE;
	run_hook(w, FILTERS, HOOK_INGRESS, INT_MIN, INT_MAX);
	run_hook(w, FILTERS, HOOK_PREROUTING, INT_MIN, DSTNAT - 1);
	run_hook(w, TRANSLATES, HOOK_PREROUTING, INT_MIN, INT_MAX);
}

void compare_rules(struct import *im, struct compare_row *rows, size_t n)
{
	const struct compare_packet *p = &rows->packet;
	struct walk w = { .im = im, .rows = rows, .n = n };
	const struct import_packet first = {
		.family = p->family, .in = p->in, .to = p->to, .unnamed = !p->to.family,
		.port = p->port, .local = p->local, .local_in = p->local,
	};

	w.clients = xcalloc(n, sizeof(*w.clients));
	w.marks = xcalloc(n, sizeof(*w.marks));
	w.states = xcalloc(n, sizeof(*w.states));
	for (size_t i = 0; i < n; i++) {
		w.clients[i] = rows[i].packet.from;
		w.states[i] = (struct state){ .dnat = NONE, .unsure = NONE, .undecided = NONE };
		rows[i].rules = (struct compare_answer){ .rule = NONE, .chain = NONE };
	}
	run_first(&w, &first);
	for (size_t i = 0; i < n && !im->work.failed; i++) {
		if (w.states[i].done)
			continue;
		w.group = w.states[i].dnat;
		run_group(&w, &first);
	}
	free(w.clients);
	free(w.marks);
	free(w.states);
}
