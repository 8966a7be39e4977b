/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Implements evaluate.h. A chain splits the set of sources: each rule takes those that it matches.
 */
#include <string.h>
#include "import/evaluate.h"
#include "lib/memory.h"

#define DEPTH_MAX 32

/* ---- conditions ---- */

static bool is_name(const char *pattern, const char *name)
{
	size_t n = strlen(pattern);

	return n && pattern[n - 1] == '*' ? !strncmp(pattern, name, n - 1) :
					    !strcmp(pattern, name);
}

static enum rule_answer match_out(const struct rule_value *v, const struct import_packet *p)
{
	if (p->out)
		return is_name(v->name, p->out) ? IS_YES : IS_NO;
	return p->not_in && p->in && !strcmp(v->name, p->in) ? IS_NO : IS_LIKELY;
}

/* Returns whether the prefix has no address to which clients send. */
static bool is_special(const struct prefix *p)
{
	static const char *const texts[] = {
		"127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/3", "::1", "fe80::/10", "ff00::/8",
	};
	struct prefix special;

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		if (!prefix_parse(texts[i], &special) && prefix_within(p, &special))
			return true;
	return false;
}

static bool is_host(const struct prefix *p)
{
	return p->len == (p->family == FAMILY_IPV4 ? 32 : 128);
}

static enum rule_answer match_address(const struct prefix *value, const struct address *a,
				      const struct import_packet *p)
{
	if (value->family != p->family)
		return IS_NO;
	if (!a->family)
		return is_special(value) || (p->unnamed && is_host(value)) ? IS_NO :
		       value->len ? IS_MAYBE : IS_YES;
	return prefix_covers(value, a) ? IS_YES : IS_NO;
}

static enum rule_answer match_value(enum rule_field field, const struct rule_value *v,
				    const struct import_packet *p)
{
	__u16 port = field == FIELD_PORT ? p->port : p->first_port;

	switch (field) {
	case FIELD_IN:
		return !p->in ? IS_MAYBE : is_name(v->name, p->in) ? IS_YES : IS_NO;
	case FIELD_OUT:
		return match_out(v, p);
	case FIELD_TO:
		return match_address(&v->prefix, &p->to, p);
	case FIELD_FIRST_TO:
		return match_address(&v->prefix, &p->first_to, p);
	default:
		return port >= v->ports.first && port <= v->ports.last ? IS_YES : IS_NO;
	}
}

/* Returns whether a packet that leaves by one of its ways meets a condition about its way. */
static enum rule_answer match_ways(const struct rule_match *m, const struct import_packet *p)
{
	struct import_packet one = *p;
	size_t n = 0;

	for (size_t i = 0; i < p->ways->n; i++) {
		one.out = p->ways->values[i].name;
		n += rule_match_answer(m, &one) == IS_YES;
	}
	return !n ? IS_NO : n == p->ways->n ? IS_YES : IS_LIKELY;
}

enum rule_answer rule_match_answer(const struct rule_match *m, const struct import_packet *p)
{
	enum rule_answer found = IS_NO, one;

	if (m->field == FIELD_SOURCE)
		return IS_YES;
	if (m->field == FIELD_OUT && !p->out && p->ways)
		return match_ways(m, p);
	if (m->field == FIELD_LOCAL || m->field == FIELD_LOCAL_IN || m->field == FIELD_TRANSLATED)
		found = (m->field == FIELD_LOCAL ? p->local : m->field == FIELD_LOCAL_IN ?
			 p->local_in : p->translated) ? IS_YES : IS_NO;
	for (size_t i = 0; i < m->n && found != IS_YES; i++) {
		one = match_value(m->field, &m->values[i], p);
		found = one > found ? one : found;
	}
	if (!m->unlike)
		return found;
	return found == IS_YES ? IS_NO : found == IS_NO ? IS_YES : found;
}

static enum rule_answer rule_answer(const struct rule *rule, const struct import_packet *p)
{
	enum rule_answer all = rule->unknown ? IS_MAYBE : IS_YES, one;

	if (rule->never ||
	    !(rule->families & (p->family == FAMILY_IPV4 ? RULE_IPV4 : RULE_IPV6)))
		return IS_NO;
	for (size_t i = 0; i < rule->n && all != IS_NO; i++) {
		one = rule_match_answer(&rule->matches[i], p);
		all = one < all ? one : all;
	}
	return all;
}

/* Returns the sources in a named set. */
static struct source_set set_sources(struct evaluation *e, const struct rule_set *set)
{
	if (set->family != e->packet->family || set->assumed == SET_EMPTY)
		return (struct source_set){ 0 };
	return set->assumed == SET_FULL ? sources_all(e->work, set->family) :
					  sources_of(e->work, set->list, set->n);
}

/* Returns the sources that a condition lists. */
static struct source_set match_sources(struct evaluation *e, const struct rule_match *m)
{
	struct prefix *list;
	struct source_set values;
	size_t n = 0;

	if (m->set)
		return set_sources(e, &e->rules->sets[m->set - 1]);
	list = xcalloc(m->n, sizeof(*list));
	for (size_t j = 0; j < m->n; j++)
		if (m->values[j].prefix.family == e->packet->family)
			list[n++] = m->values[j].prefix;
	values = sources_of(e->work, list, n);
	free(list);
	return values;
}

/* Returns those of the sources that the rule matches. */
static struct source_set matched_sources(struct evaluation *e, const struct rule *rule,
					 const struct source_set *sources)
{
	struct source_set set = sources_or(e->work, sources, &(struct source_set){ 0 });

	for (size_t i = 0; i < rule->n; i++) {
		const struct rule_match *m = &rule->matches[i];
		struct source_set values, both;

		if (m->field != FIELD_SOURCE)
			continue;
		values = match_sources(e, m);
		both = (m->unlike ? sources_minus : sources_and)(e->work, &set, &values);
		sources_free(&values);
		sources_free(&set);
		set = both;
	}
	return set;
}

/* ---- chains ---- */

static void replace(struct source_set *old, struct source_set new)
{
	sources_free(old);
	*old = new;
}

static struct source_set run_chain(struct evaluation *e, size_t chain,
				   const struct source_set *sources);

/* Returns whether a rule of the chain, or of one below it, may end a packet's way. */
static bool may_decide(struct evaluation *e, size_t chain, unsigned int depth)
{
	size_t i = chain == NONE || depth > DEPTH_MAX ? NONE : e->rules->chains[chain].first;

	for (; i != NONE && work_step(e->work); i = e->rules->list[i].next) {
		const struct rule *rule = &e->rules->list[i];
		bool jumps = rule->verdict == RULE_JUMP || rule->verdict == RULE_GOTO;

		if (jumps ? may_decide(e, rule->to_chain, depth + 1) :
			    rule->verdict != RULE_CONTINUES && rule->verdict != RULE_RETURN)
			return true;
	}
	return chain == NONE || e->work->failed;
}

/* Returns whether the rule is for one host, so that the interface by which its packets leave does
 * not matter. */
static bool names_host(const struct rule *rule)
{
	for (size_t i = 0; i < rule->n; i++) {
		const struct rule_match *m = &rule->matches[i];

		if (m->field == FIELD_TO && !m->unlike && m->n == 1 &&
		    is_host(&m->values[0].prefix))
			return true;
	}
	return false;
}

/* Runs a rule for those of the sources that it matches. Removes those that it decides about from
 * *left, and adds those that return from the chain to *back. */
static void run_rule(struct evaluation *e, size_t i, struct source_set *left,
		     struct source_set *back)
{
	const struct rule *rule = &e->rules->list[i];
	enum rule_answer answer = rule_answer(rule, e->packet);
	enum rule_verdict v = rule->verdict;
	struct source_set set, returned;
	bool jumps = v == RULE_JUMP || v == RULE_GOTO;

	if (answer == IS_NO || v == RULE_CONTINUES || rule->checks_source)
		return;
	set = matched_sources(e, rule, left);
	if (!set.n) {
		sources_free(&set);
		return;
	}
	if (answer == IS_MAYBE || v == RULE_OTHER || (jumps && rule->to_chain == NONE) ||
	    (answer == IS_LIKELY && (v == RULE_DROP || (v == RULE_SNAT && !names_host(rule))))) {
		if (!jumps || may_decide(e, rule->to_chain, 0))
			e->unsure(e->data, i, &set);
		sources_free(&set);
		return;
	}
	replace(left, sources_minus(e->work, left, &set));
	if (v == RULE_RETURN) {
		replace(back, sources_or(e->work, back, &set));
	} else if (jumps) {
		struct source_set *to = v == RULE_GOTO ? back : left;

		returned = run_chain(e, rule->to_chain, &set);
		replace(to, sources_or(e->work, to, &returned));
		sources_free(&returned);
	} else {
		e->decided(e->data, i, v, &set);
	}
	sources_free(&set);
}

/* Returns the sources about whose packets the chain has not decided. */
static struct source_set run_chain(struct evaluation *e, size_t chain,
				   const struct source_set *sources)
{
	struct source_set left = sources_or(e->work, sources, &(struct source_set){ 0 });
	struct source_set back = { 0 };

	if (++e->depth > DEPTH_MAX)
		e->work->failed = true;
	for (size_t i = e->rules->chains[chain].first; i != NONE && left.n && !e->work->failed;
	     i = e->rules->list[i].next) {
		if (work_step(e->work))
			run_rule(e, i, &left, &back);
	}
	e->depth--;
	replace(&left, sources_or(e->work, &left, &back));
	sources_free(&back);
	return left;
}

void evaluate_chain(struct evaluation *e, size_t chain, const struct source_set *sources)
{
	const struct rule_chain *c = &e->rules->chains[chain];
	struct source_set left = run_chain(e, chain, sources);

	if (left.n)
		e->decided(e->data, NONE, c->drops ? RULE_DROP : RULE_ACCEPT, &left);
	sources_free(&left);
}

/* ---- the order of chains ---- */

bool evaluate_sees(const struct rule_chain *c, enum rule_hook hook, bool nat,
		   const struct import_packet *p)
{
	if (!c->is_base || c->hook != hook || c->nat != nat ||
	    !(c->families & (p->family == FAMILY_IPV4 ? RULE_IPV4 : RULE_IPV6)))
		return false;
	if (!*c->device)
		return true;
	if (hook == HOOK_INGRESS)
		return p->in && !strcmp(c->device, p->in);
	return p->out ? !strcmp(c->device, p->out) :
			!p->not_in || !p->in || strcmp(c->device, p->in);
}

size_t evaluate_next_chain(const struct rules *r, enum rule_hook hook, bool nat,
			   const struct import_packet *p, size_t last)
{
	const struct rule_chain *list = r->chains;
	size_t found = NONE;

	for (size_t i = 0; i < r->n_chains; i++) {
		if (!evaluate_sees(&list[i], hook, nat, p))
			continue;
		if (last != NONE && (list[i].priority < list[last].priority ||
				     (i <= last && list[i].priority == list[last].priority)))
			continue;
		if (found == NONE || list[i].priority < list[found].priority)
			found = i;
	}
	return found;
}
