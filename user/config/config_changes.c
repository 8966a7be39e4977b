/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Implements config_changes.h. An entry is converted to a list of facts. Each fact is a place and a
 * value, such as "backend ipv4" and "192.168.1.10". A YAML list makes a fact for each of its
 * items.
 */
#include <string.h>
#include "config/config_changes.h"
#include "lib/grow.h"
#include "lib/yaml.h"

struct fact {
	char place[96];
	const char *value;
};

struct facts {
	struct yaml yaml;		/* parsed text, which owns .value of the facts */
	const char *name;		/* first value of the entry, its name */
	struct fact *list;
	size_t n;
};

static const char *scalar_text(const struct yaml_node *node)
{
	return node && node->type == YAML_SCALAR ? node->text : NULL;
}

static void add_fact(struct facts *f, const char *place, const char *value)
{
	struct fact *fact = append(f->list, f->n);

	snprintf(fact->place, sizeof(fact->place), "%s", place);
	fact->value = value;
}

static void collect_facts(struct facts *f, const struct yaml_node *node, const char *place);

static void collect_map(struct facts *f, const struct yaml_node *map, const char *place)
{
	char below[sizeof(f->list->place)];

	for (const struct yaml_node *key = map->first; key; key = key->next->next) {
		snprintf(below, sizeof(below), "%s%s%s", place, *place ? " " : "",
			 scalar_text(key));
		collect_facts(f, key->next, below);
	}
}

/* Adds the facts of a list in a list, such as a pair of sites: each value is at the place of those
 * before it. */
static void collect_group(struct facts *f, const struct yaml_node *group, const char *place)
{
	char below[sizeof(f->list->place)];
	const struct yaml_node *item = group->first;
	size_t n = snprintf(below, sizeof(below), "%s", place);

	for (; item && item->next; item = item->next) {
		n += snprintf(below + n, n < sizeof(below) ? sizeof(below) - n : 0, " %s",
			      scalar_text(item) ?: "");
		if (n >= sizeof(below))
			return;
		collect_facts(f, item->next, below);
	}
}

/* Adds a fact (place and value) for each value at and below the node. If a list item is a mapping,
 * its first value, the name, becomes part of the place. */
static void collect_facts(struct facts *f, const struct yaml_node *node, const char *place)
{
	char below[sizeof(f->list->place)];

	if (scalar_text(node))
		add_fact(f, place, scalar_text(node));
	if (node->type == YAML_MAP)
		collect_map(f, node, place);
	for (const struct yaml_node *item = node->type == YAML_LIST ? node->first : NULL; item;
	     item = item->next) {
		/* A mapping with more than one key begins with its name. */
		bool has_name = item->type == YAML_MAP && item->first->next->next;
		const char *name = has_name ? scalar_text(item->first->next) : NULL;

		snprintf(below, sizeof(below), "%s%s%s", place, name ? " " : "", name ?: "");
		if (item->type == YAML_LIST && item->n > 1)
			collect_group(f, item, place);
		else
			collect_facts(f, item, below);
	}
}

/* Reads the facts of an entry's text. Returns false for "". */
static bool read_facts(struct facts *f, const char *text, bool in_list)
{
	const struct yaml_node *node;

	if (yaml_open(&f->yaml, text, strlen(text), "") || !(node = yaml_root(&f->yaml)))
		return false;
	if (in_list) {
		node = node->first;
		f->name = scalar_text(node->first->next);
	}
	collect_facts(f, node, "");
	return true;
}

static bool has_fact(const struct facts *f, const struct fact *fact)
{
	for (size_t i = 0; i < f->n; i++)
		if (!strcmp(f->list[i].value, fact->value) &&
		    !strcmp(f->list[i].place, fact->place))
			return true;
	return false;
}

/* Returns the value at the place if it is the only one, else NULL. */
static const char *single_value(const struct facts *f, const char *place)
{
	const char *value = NULL;

	for (size_t i = 0; i < f->n; i++)
		if (!strcmp(f->list[i].place, place)) {
			if (value)
				return NULL;
			value = f->list[i].value;
		}
	return value;
}

/* Prints the facts of `of` that `against` lacks. If both have a single value at the place, it was
 * changed; only the call with `added` prints that. */
static bool put_missing(FILE *out, const char *subject, const struct facts *of,
			const struct facts *against, bool added)
{
	bool any = false;

	for (size_t i = 0; i < of->n; i++) {
		const struct fact *fact = &of->list[i];
		const char *was = single_value(against, fact->place);
		bool changed = was && single_value(of, fact->place);

		if (has_fact(against, fact) || (changed && !added))
			continue;
		any = true;
		if (changed)
			fprintf(out, "%s%s %s, was %s\n", subject, fact->place, fact->value, was);
		else
			fprintf(out, "%s%s %s %s\n", subject, fact->place, fact->value,
				added ? "added" : "removed");
	}
	return any;
}

void changes_put(FILE *out, const char *noun, const char *old, const char *new)
{
	struct facts was = { 0 }, is = { 0 };
	bool before = read_facts(&was, old, noun), after = read_facts(&is, new, noun), any;
	char subject[128] = "";

	if (noun)
		snprintf(subject, sizeof(subject), "%s %s: ", noun, is.name ?: was.name ?: "");
	if (noun && before != after) {
		fprintf(out, "%s%s\n", subject, after ? "added" : "removed");
	} else {
		any = put_missing(out, subject, &was, &is, false);
		any |= put_missing(out, subject, &is, &was, true);
		if (!any)
			fprintf(out, "%sthe order of values has changed\n", subject);
	}
	free(was.list);
	free(is.list);
	yaml_close(&was.yaml);
	yaml_close(&is.yaml);
}
