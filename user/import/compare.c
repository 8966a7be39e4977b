/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Implements compare_run() of compare.h.
 */
#include <errno.h>
#include <string.h>
#include "import/compare_parts.h"
#include "lib/grow.h"
#include "lib/log.h"

/* ---- one packet ---- */

static bool same_sources(const struct compare_answer *a, const struct compare_answer *b)
{
	if (a->masquerades != b->masquerades || a->n_sources != b->n_sources)
		return false;
	for (size_t i = 0; i < a->n_sources; i++)
		if (address_find(b->sources, b->n_sources, &a->sources[i]) == b->n_sources)
			return false;
	return a->ports.first == b->ports.first && a->ports.last == b->ports.last;
}

/* Returns whether the rules send the packet where it goes without them. */
static bool changes_nothing(const struct compare_packet *p, const struct compare_answer *rules)
{
	return rules->way != WAY_FORWARD ||
	       (address_equal(&rules->to, &p->to) && rules->port == p->port && !rules->masquerades);
}

static enum compare_result compare(const struct compare_packet *p,
				   const struct compare_answer *rules,
				   const struct compare_answer *config)
{
	bool same;

	/* The kernel decides as before about a packet that the configuration leaves to it. The
	 * packet agrees if the rules do not translate it: only a service can replace that. */
	if (config->way == WAY_KERNEL && !rules->translates)
		return COMPARE_AGREES;
	if (rules->way == WAY_UNDECIDED || config->way == WAY_UNDECIDED)
		return COMPARE_UNDECIDED;
	if (config->way == WAY_KERNEL)
		return changes_nothing(p, rules) ? COMPARE_AGREES : COMPARE_DIFFERS;
	same = rules->way == config->way;
	if (same && config->way == WAY_FORWARD)
		same = address_equal(&rules->to, &config->to) && rules->port == config->port &&
		       same_sources(rules, config);
	return same ? COMPARE_AGREES : COMPARE_DIFFERS;
}

/* ---- causes ---- */

/* Returns whether two rows that differ do so for the same cause. */
static bool same_cause(const struct rules *r, const struct compare_row *a,
		       const struct compare_row *b)
{
	const struct compare_answer *x = &a->rules, *y = &b->rules;
	bool to = a->config.way == WAY_FORWARD && x->way == WAY_FORWARD;

	if (a->result != b->result || x->way != y->way || x->chain != y->chain ||
	    a->config.way != b->config.way || a->config.service != b->config.service ||
	    a->config.why != b->config.why || a->config.list != b->config.list)
		return false;
	if (x->rule != y->rule && (x->rule == NONE || y->rule == NONE ||
				   strcmp(r->list[x->rule].origin, r->list[y->rule].origin)))
		return false;
	return !to || (address_equal(&x->to, &y->to) && x->port == y->port &&
		       same_sources(x, y));
}

/* Adds a row to its cause. */
static void add_cause(struct comparison *c, size_t row)
{
	for (size_t i = c->n_causes; i-- > 0;)
		if (same_cause(&c->im->rules, &c->rows[c->causes[i].row], &c->rows[row])) {
			c->causes[i].n++;
			return;
		}
	if (c->n_causes == CAUSES_MAX)
		c->unlisted++;
	else
		*append(c->causes, c->n_causes) = (struct compare_cause){ row, 1 };
}

static void find_causes(struct comparison *c)
{
	static const enum compare_result results[] = { COMPARE_DIFFERS, COMPARE_UNDECIDED };

	for (size_t r = 0; r < sizeof(results) / sizeof(*results); r++)
		for (size_t i = 0; i < c->n; i++)
			if (c->rows[i].result == results[r])
				add_cause(c, i);
}

/* ---- all packets ---- */

static const struct rule_set *find_set(void *data, const char *name)
{
	return rules_set(data, name);
}

/* Compares the packets of all clients to one destination. */
static void run_target(struct comparison *c, const struct compare_space *s, const char *in,
		       const struct compare_target *t, __u16 port)
{
	struct import *im = c->im;
	size_t f = t->family != FAMILY_IPV4, n = s->n_clients[f];
	struct compare_row *rows = &c->rows[c->n];

	for (size_t i = 0; i < n; i++)
		rows[i].packet = (struct compare_packet){
			.family = t->family, .in = in, .to = t->to, .local = t->local,
			.port = port, .from = s->clients[f][i],
		};
	if (n)
		compare_rules(im, rows, n);
	for (size_t i = 0; i < n; i++) {
		rows[i].config = compare_config(c->config, &rows[i].packet, find_set, &im->rules);
		rows[i].result = compare(&rows[i].packet, &rows[i].rules, &rows[i].config);
		c->n_of[rows[i].result]++;
	}
	c->n += n;
}

static int run(struct comparison *c, const struct compare_space *s)
{
	size_t all = 0;

	for (size_t i = 0; i < s->n_targets; i++)
		all += s->n_clients[s->targets[i].family != FAMILY_IPV4];
	c->rows = xcalloc(all * s->n_ins * s->n_ports, sizeof(*c->rows));
	for (size_t i = 0; i < s->n_ins; i++)
		for (size_t t = 0; t < s->n_targets; t++)
			for (size_t p = 0; p < s->n_ports; p++)
				if (!c->im->work.failed)
					run_target(c, s, s->ins[i], &s->targets[t], s->ports[p]);
	if (c->im->work.failed)
		return -E2BIG;
	find_causes(c);
	return 0;
}

int compare_run(struct comparison *c, struct import *im, const struct config *config)
{
	struct compare_space s = { 0 };
	int rc;

	*c = (struct comparison){ .im = im, .config = config };
	import_allow_work(im);
	compare_choose(im, config, &s);
	c->left_out = s.left_out;
	rc = run(c, &s);
	compare_space_free(&s);
	if (rc)
		log_error("import: there are too many rules, or they are too entangled: compare "
			  "only the rules for UDP");
	return rc;
}

void compare_free(struct comparison *c)
{
	free(c->rows);
	free(c->causes);
}
