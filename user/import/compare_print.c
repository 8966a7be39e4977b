/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Prints a comparison: as lines, one for each cause of a difference, or as JSON.
 */
#include "config/config_lists.h"
#include "import/compare.h"
#include "lib/document.h"
#include "lib/text.h"

static const char *const result_names[] = { "agrees", "differs", "undecided" };
static const char *const way_names[] = { "undecided", "forward", "drop", "host", "kernel" };

/* ---- sentences ---- */

static void put_target(FILE *out, const struct compare_packet *p)
{
	char text[ADDRESS_STRLEN];

	if (p->to.family)
		fputs(address_format(&p->to, text), out);
	else
		fprintf(out, "an IPv%d address of ", p->family == FAMILY_IPV4 ? 4 : 6);
	if (!p->to.family)
		text_print(out, p->in ?: "this host");
	fprintf(out, " port %u", p->port);
	if (p->to.family && p->in) {
		fputs(" on ", out);
		text_print(out, p->in);
	}
}

static void put_packet(FILE *out, const struct compare_packet *p)
{
	char text[ADDRESS_STRLEN];

	fprintf(out, "from %s to ", address_format(&p->from, text));
	put_target(out, p);
}

/* Writes the rule, or the chain whose policy decides, after a word such as "by". */
static void put_rule(FILE *out, const struct comparison *c, const struct compare_answer *a,
		     const char *word)
{
	if (a->rule != NONE) {
		fprintf(out, " %s ", word);
		text_print(out, c->im->rules.list[a->rule].origin);
		fputs(" (", out);
		text_print(out, c->im->rules.list[a->rule].text);
		fputs(")", out);
	} else if (a->chain != NONE) {
		fprintf(out, " %s the policy of ", word);
		text_print(out, c->im->rules.chains[a->chain].table);
		fputc(' ', out);
		text_print(out, c->im->rules.chains[a->chain].name);
	}
}

static void put_forward(FILE *out, const struct compare_answer *a)
{
	char text[ADDRESS_STRLEN];

	fprintf(out, "%s port %u", address_format(&a->to, text), a->port);
	if (!a->masquerades)
		return;
	fputs(" and masquerade it", out);
	for (size_t i = 0; i < a->n_sources; i++)
		fprintf(out, "%s%s", i ? ", " : " as ", address_format(&a->sources[i], text));
	if (a->ports.first)
		fprintf(out, " with ports %u-%u", a->ports.first, a->ports.last);
}

static void put_rules(FILE *out, const struct comparison *c, const struct compare_answer *a)
{
	fputs("the rules ", out);
	if (a->way == WAY_FORWARD) {
		fputs("forward it to ", out);
		put_forward(out, a);
		put_rule(out, c, a, "by");
	} else if (a->way == WAY_DROP) {
		fputs("drop it", out);
		put_rule(out, c, a, "by");
	} else if (a->way == WAY_HOST) {
		fputs("leave it to this host", out);
		put_rule(out, c, a, "by");
	} else {
		fputs("cannot be decided", out);
		put_rule(out, c, a, "because of");
		if (a->why)
			fprintf(out, ": %s", a->why);
	}
}

static void put_config(FILE *out, const struct compare_answer *a)
{
	if (a->service) {
		fputs("service ", out);
		text_print(out, a->service->name);
	}
	if (a->way == WAY_FORWARD) {
		fputs(" would forward it to ", out);
		put_forward(out, a);
	} else if (a->way == WAY_DROP) {
		fputs(" would drop it", out);
	} else if (a->way == WAY_KERNEL) {
		fputs("no service has it", out);
	} else {
		fputs(a->service ? " cannot be decided" : "the configuration cannot be decided",
		      out);
	}
	if (a->why)
		fprintf(out, ": %s", a->why);
	if (a->list && a->why) {
		fputs(" in ", out);
		config_put_list(out, a->list);
	}
}

static void put_row(FILE *out, const struct comparison *c, const struct compare_row *row)
{
	put_packet(out, &row->packet);
	fputs(": ", out);
	put_rules(out, c, &row->rules);
	fputs("; ", out);
	put_config(out, &row->config);
	fputc('\n', out);
}

static void put_cause(FILE *out, const struct comparison *c, const struct compare_cause *cause)
{
	const struct compare_row *row = &c->rows[cause->row];

	fprintf(out, "%s: ", result_names[row->result]);
	if (cause->n > 1)
		fprintf(out, "%zu packets, such as ", cause->n);
	put_row(out, c, row);
}

void compare_print(const struct comparison *c, bool all, FILE *out)
{
	for (size_t i = 0; i < c->n_causes && !all; i++)
		put_cause(out, c, &c->causes[i]);
	for (size_t i = 0; i < c->n && all; i++) {
		fprintf(out, "%s: ", result_names[c->rows[i].result]);
		put_row(out, c, &c->rows[i]);
	}
	if (!c->n)
		fputs("neither the rules nor the configuration forward UDP packets of clients\n",
		      out);
	if (c->unlisted && !all)
		fprintf(out, "%zu more packets that differ or are undecided are not listed\n",
			c->unlisted);
	if (c->left_out)
		fprintf(out, "%zu addresses and ports were not tried, because there are too many\n",
			c->left_out);
	fprintf(out, "%zu packets: %zu agree, %zu differ, %zu could not be decided\n", c->n,
		c->n_of[COMPARE_AGREES], c->n_of[COMPARE_DIFFERS], c->n_of[COMPARE_UNDECIDED]);
}

/* ---- JSON ---- */

static void add_forward(struct node n, const struct compare_answer *a)
{
	char text[ADDRESS_STRLEN];
	struct node list;

	if (a->way != WAY_FORWARD)
		return;
	document_text(n, "to", address_format(&a->to, text));
	document_number(n, "port", a->port);
	document_text(n, "source", a->masquerades ? "masqueraded" : "kept");
	if (!a->n_sources)
		return;
	list = document_list(n, "sources");
	for (size_t i = 0; i < a->n_sources; i++)
		document_append(list, address_format(&a->sources[i], text));
}

static void add_answers(struct node n, const struct comparison *c, const struct compare_row *row)
{
	const struct compare_answer *a = &row->rules;
	struct node rules = document_map(n, "rules"), config = document_map(n, "configuration");
	const struct rule *by = a->rule == NONE ? NULL : &c->im->rules.list[a->rule];

	document_text(rules, "does", way_names[a->way]);
	add_forward(rules, a);
	document_text(rules, "origin", by ? by->origin : NULL);
	document_text(rules, "rule", by ? by->text : NULL);
	document_text(config, "does", way_names[row->config.way]);
	add_forward(config, &row->config);
	document_text(config, "service", row->config.service ? row->config.service->name : NULL);
	document_text(config, "why", row->config.why);
}

static void add_row(struct node n, const struct comparison *c, const struct compare_row *row)
{
	const struct compare_packet *p = &row->packet;
	struct node packet = document_map(n, "packet");
	char text[ADDRESS_STRLEN];

	document_number(packet, "family", p->family == FAMILY_IPV4 ? 4 : 6);
	document_text(packet, "from", address_format(&p->from, text));
	document_text(packet, "to", p->to.family ? address_format(&p->to, text) : NULL);
	document_number(packet, "port", p->port);
	document_text(packet, "interface", p->in);
	document_text(n, "result", result_names[row->result]);
	add_answers(n, c, row);
}

void compare_print_json(const struct comparison *c, bool all, FILE *out)
{
	struct document *d = document_new();
	struct node root = document_root(d), list, row;

	document_number(root, "packets", c->n);
	document_number(root, "agree", c->n_of[COMPARE_AGREES]);
	document_number(root, "differ", c->n_of[COMPARE_DIFFERS]);
	document_number(root, "undecided", c->n_of[COMPARE_UNDECIDED]);
	document_number(root, "left_out", c->left_out);
	list = document_list(root, "causes");
	for (size_t i = 0; i < c->n_causes; i++) {
		row = document_row(list);
		document_number(row, "packets", c->causes[i].n);
		add_row(row, c, &c->rows[c->causes[i].row]);
	}
	if (all) {
		list = document_list(root, "all");
		for (size_t i = 0; i < c->n; i++)
			add_row(document_row(list), c, &c->rows[i]);
	}
	document_print_json(d, out);
	document_free(d);
}
