/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Finds out whether a service may follow the named sets of the rules, instead of a copy of their
 * elements. Trials with empty and full sets show what the rules do with a client for each
 * combination of sets that have it. The service follows the sets only if its lists do the same for
 * all combinations.
 */
#include <string.h>
#include "import/service.h"
#include "import/trial.h"
#include "lib/grow.h"

#define SETS_TRIED 8			/* most sets that are tried for a service */
#define SETS_FOLLOWED 4			/* most sets that a service follows */
#define DENY_MAX 64			/* most prefixes of deny beside lists */

struct combination {			/* some sets have all clients, the others none */
	struct source_set clients;	/* sources whose packets then arrive */
	bool masquerades, hairpin;
};

struct followed_sets {
	struct trial *t;
	size_t sets[SETS_FOLLOWED];	/* indexes of those that matter */
	size_t n;
	struct combination all[1 << SETS_FOLLOWED];	/* one bit of the index for each set */
	unsigned int allow;		/* bits of the sets that let clients in */
};

/* Tries the packet with these sets full, and all others empty. Returns the trial, for the caller
 * to free. */
static struct trial try_with(struct trial *t, const size_t *sets, size_t n, unsigned int full)
{
	struct trial one = {
		.im = t->im, .dnat = t->dnat, .first = t->first, .ways = t->ways, .quiet = true,
	};
	struct rules *r = &t->im->rules;

	for (size_t i = 0; i < r->n_sets; i++)
		r->sets[i].assumed = SET_EMPTY;
	for (size_t i = 0; i < n; i++)
		if (full & 1U << i)
			r->sets[sets[i]].assumed = SET_FULL;
	trial_run(&one);
	for (size_t i = 0; i < r->n_sets; i++)
		r->sets[i].assumed = SET_AS_IT_IS;
	return one;
}

static struct combination combine(struct trial *t, const size_t *sets, size_t n, unsigned int full)
{
	struct trial one = try_with(t, sets, n, full);
	struct combination c = { one.clients, one.masquerades, one.hairpin };

	one.clients = (struct source_set){ 0 };
	trial_free(&one);
	return c;
}

static bool uses_set(const struct rule *rule, size_t set)
{
	for (size_t i = 0; i < rule->n; i++)
		if (rule->matches[i].set == set + 1)
			return true;
	return false;
}

/* Adds the rules that decide by the set, if it has elements, to those of the trial. */
static void use_rules(struct trial *t, size_t set)
{
	struct trial one = try_with(t, &set, 1, 1);
	struct rules *r = &t->im->rules;

	for (size_t i = 0; i < one.n_used; i++)
		if (uses_set(&r->list[one.used[i]], set))
			rules_list_add(&t->used, &t->n_used, one.used[i]);
	trial_free(&one);
}

/* Returns whether the packet's clients depend on the set. */
static bool matters(struct trial *t, const size_t *sets, size_t n, size_t i)
{
	unsigned int one = 1U << i, all = (1U << n) - 1;
	const unsigned int pairs[][2] = { { 0, one }, { all & ~one, all } };
	bool found = false;

	for (size_t j = 0; j < 2 && !found; j++) {
		struct combination a = combine(t, sets, n, pairs[j][0]);
		struct combination b = combine(t, sets, n, pairs[j][1]);

		found = !sources_equal(&a.clients, &b.clients);
		sources_free(&a.clients);
		sources_free(&b.clients);
	}
	return found;
}

/* Finds the sets that matter. Returns false if they are too many. */
static bool find_sets(struct followed_sets *f)
{
	const struct rules *r = &f->t->im->rules;
	size_t sets[SETS_TRIED], n = 0;

	for (size_t i = 0; i < r->n_sets; i++) {
		if (r->sets[i].family != f->t->first.family)
			continue;
		if (n == SETS_TRIED)
			return false;
		sets[n++] = i;
	}
	for (size_t i = 0; i < n; i++) {
		if (!matters(f->t, sets, n, i))
			continue;
		if (f->n == SETS_FOLLOWED)
			return false;
		f->sets[f->n++] = sets[i];
	}
	return true;
}

/* Returns whether lists in allow and deny do the same as the rules. *ret_base: the combination
 * whose clients the service has if no list of deny has them, and one of allow does. */
static bool is_like_lists(struct followed_sets *f, size_t *ret_base)
{
	const struct combination *base;

	*ret_base = 0;
	for (size_t i = 0; i < f->n && !f->all[0].clients.n; i++)
		if (f->all[1U << i].clients.n) {
			f->allow |= 1U << i;
			*ret_base = 1U << i;
		}
	base = &f->all[*ret_base];
	if (!base->clients.n)
		return false;
	for (unsigned int i = 0; i < 1U << f->n; i++) {
		const struct combination *c = &f->all[i];
		bool in = !(i & ~f->allow) && (!f->allow || i & f->allow);

		if (in ? !sources_equal(&c->clients, &base->clients) ||
			 c->masquerades != base->masquerades || c->hairpin != base->hairpin :
			 c->clients.n != 0)
			return false;
	}
	return true;
}

/* Returns whether few prefixes in deny leave exactly these clients. */
static bool is_short(struct trial *t, const struct source_set *clients)
{
	struct source_set all = sources_all(&t->im->work, t->first.family);
	struct source_set others = sources_minus(&t->im->work, &all, clients);
	struct prefix *list = NULL;
	size_t n = 0;

	sources_prefixes(&others, t->first.family, &list, &n);
	free(list);
	sources_free(&all);
	sources_free(&others);
	return n <= DENY_MAX;
}

static void add_list(struct list_config **list, size_t *n, const char *name)
{
	struct list_config *place = append(*list, *n);

	place->source = LIST_NFT_SET;
	strcpy(place->name, name);
}

static void follow(struct followed_sets *f, size_t base, struct import_service *made)
{
	struct import *im = f->t->im;
	struct service_config *s = &made->s;

	for (size_t i = 0; i < f->n; i++) {
		const char *name = im->rules.sets[f->sets[i]].name;

		if (f->allow & 1U << i)
			add_list(&s->allow_lists, &s->n_allow_lists, name);
		else
			add_list(&s->deny_lists, &s->n_deny_lists, name);
		use_rules(f->t, f->sets[i]);
	}
	made->base = f->all[base].clients;
	f->all[base].clients = (struct source_set){ 0 };
}

bool service_follow_sets(struct trial *t, struct import_service *made)
{
	struct followed_sets f = { .t = t };
	bool few, same = false;
	size_t base = 0;

	if (!t->im->rules.n_sets)
		return true;
	few = find_sets(&f);
	if (few && !f.n)
		return true;
	for (unsigned int i = 0; few && i < 1U << f.n; i++)
		f.all[i] = combine(t, f.sets, f.n, i);
	if (few && is_like_lists(&f, &base) && is_short(t, &f.all[base].clients)) {
		same = true;
		follow(&f, base, made);
	}
	for (unsigned int i = 0; i < 1U << SETS_FOLLOWED; i++)
		sources_free(&f.all[i].clients);
	return same;
}

bool trial_run_with_sets(struct trial *t)
{
	const struct rules *r = &t->im->rules;
	bool narrows = t->narrows;

	for (size_t i = 0; i < r->n_sets && i < SETS_TRIED; i++) {
		struct trial one = try_with(t, &i, 1, 1);

		if (one.clients.n) {
			trial_free(t);
			sources_free(&one.clients);
			one.narrows = narrows;
			*t = one;
			return true;
		}
		trial_free(&one);
	}
	return false;
}
