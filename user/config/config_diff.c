/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Matches the entries of both configurations by their names. Values within an entry are matched
 * by their places.
 */
#include <stdio.h>
#include <string.h>
#include "config/config_parts.h"
#include "config/config_sections.h"
#include "config/config_diff.h"
#include "lib/grow.h"
#include "lib/memory.h"
#include "lib/text.h"
#include "lib/yaml.h"

/* ---- sentences ----
 * An entry is converted to a list of facts. Each fact is a place and a value, such as "backend
 * ipv4" and "192.168.1.10". A YAML list makes a fact for each of its items. */

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

/* Compares an entry's old and new text from config_write(), which differ; "": the entry is absent.
 * Prints a sentence for each value that was added, removed or changed, or says that the order of
 * values has changed. noun: the word for an entry of its list, such as "service"; NULL: not in a
 * list. */
static void changes_put(FILE *out, const char *noun, const char *old, const char *new)
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

/* Returns the text that `put` writes to `out`; "" if the entry is not `there`. */
#define ENTRY(there, put) ({ \
	char *text; \
	size_t size; \
	FILE *out = text_open(&text, &size); \
	if (there) \
		put; \
	fclose(out); \
	text; \
})

static char *interface_entry(const struct interface_config *i)
{
	return ENTRY(i, config_put_interface(out, i));
}

static char *service_entry(const struct service_config *s)
{
	return ENTRY(s, config_put_service(out, s));
}

static char *peer_entry(const struct peer_config *p)
{
	return ENTRY(p, config_put_peer(out, p));
}

static char *endpoint_entry(const struct peer_endpoint_config *p)
{
	return ENTRY(p, config_put_endpoint(out, p));
}

static char *rate_entry(const struct rate_config *r)
{
	return ENTRY(r, config_put_rate(out, r));
}

static char *ddns_entry(const struct config *c, size_t i)
{
	return ENTRY(i < c->n_ddns, config_put_ddns_one(out, &c->ddns[i]));
}

/* ---- sections that are one entry ---- */

static void put_running(FILE *out, const struct config *c)
{
	fprintf(out, "running: { mode: %s }\n", mode_names[c->mode]);
}

static void put_express(FILE *out, const struct config *c)
{
	fprintf(out, "express: %s\n", express_names[c->express]);
}

static void put_entries(FILE *out, const struct config *c)
{
	if (c->express_entries)
		fprintf(out, "express-entries: %u\n", c->express_entries);
}

static void (*const put_section[])(FILE *out, const struct config *c) = {
	put_running, put_express, put_entries, config_put_blind, config_put_exporter,
	config_put_learn, config_put_follow, config_put_announce, config_put_policy,
};

/* ---- differences ---- */

struct diff {
	FILE *out;
	const char *noun;		/* noun for an entry, such as "service"; NULL: a section */
	bool differs;
};

/* Frees both texts. */
static void diff_entry(struct diff *d, char *old, char *new)
{
	if (strcmp(old, new)) {
		d->differs = true;
		if (d->out)
			changes_put(d->out, d->noun, old, new);
	}
	free(old);
	free(new);
}

static bool uses_interface(const struct config *c, const char *name)
{
	enum link_role ignored;
	const char *used;
	size_t at = 0;

	while ((used = config_interface(c, &at, &ignored)))
		if (!strcmp(used, name))
			return true;
	return false;
}

static const struct peer_endpoint_config *config_endpoint(const struct config *c,
							  const struct peer_endpoint_config *like)
{
	for (size_t i = 0; i < c->n_endpoints; i++)
		if (!strcmp(c->endpoints[i].interface, like->interface) &&
		    !wg_key_compare(&c->endpoints[i].peer, &like->peer))
			return &c->endpoints[i];
	return NULL;
}

/* ---- peers, of which there may be tens of thousands ---- */

static int compare_peers(const void *a, const void *b)
{
	return strcmp((*(const struct peer_config *const *)a)->name,
		      (*(const struct peer_config *const *)b)->name);
}

/* Returns the peers sorted by name, as pointers that NULL ends. */
static const struct peer_config **by_name(const struct config *c)
{
	const struct peer_config **sorted = xcalloc(c->n_peers + 1, sizeof(*sorted));

	for (size_t i = 0; i < c->n_peers; i++)
		sorted[i] = &c->peers[i];
	qsort(sorted, c->n_peers, sizeof(*sorted), compare_peers);
	return sorted;
}

static bool same_peer(const struct peer_config *a, const struct peer_config *b)
{
	bool same = !wg_key_compare(&a->key, &b->key) && !strcmp(a->device, b->device) &&
		    a->n_prefixes == b->n_prefixes;

	for (size_t i = 0; i < a->n_prefixes && same; i++)
		same = prefix_within(&a->prefixes[i], &b->prefixes[i]) &&
		       prefix_within(&b->prefixes[i], &a->prefixes[i]);
	return same;
}

static void diff_peers(struct diff *d, const struct config *old, const struct config *new)
{
	const struct peer_config **olds = by_name(old), **news = by_name(new), **o = olds,
				 **n = news;

	d->noun = "peer";
	while (*o || *n) {
		int order = !*o ? 1 : !*n ? -1 : strcmp((*o)->name, (*n)->name);

		if (order || !same_peer(*o, *n))
			diff_entry(d, peer_entry(order > 0 ? NULL : *o),
				   peer_entry(order < 0 ? NULL : *n));
		o += order <= 0;
		n += order >= 0;
	}
	free(olds);
	free(news);
}

/* Returns whether common services have another order in the new configuration. If several listeners
 * match a new client, the first service gets it. */
static bool other_order(const struct config *old, const struct config *new)
{
	size_t at = 0;

	for (size_t i = 0; i < old->n_services; i++) {
		const struct service_config *s = config_service(new, old->services[i].name);

		if (s && (size_t)(s - new->services) < at)
			return true;
		at = s ? s - new->services : at;
	}
	return false;
}

/* Prints the differences of the section interfaces, but a removal only if no other part of the new
 * configuration uses the interface. */
static void diff_interfaces(struct diff *d, const struct config *old, const struct config *new)
{
	d->noun = "interface";
	for (size_t i = 0; i < old->n_interfaces; i++) {
		const char *name = old->interfaces[i].name;
		const struct interface_config *is = config_interface_entry(new, name);

		if (!is && uses_interface(new, name))
			d->differs = true;
		else
			diff_entry(d, interface_entry(&old->interfaces[i]), interface_entry(is));
	}
	for (size_t i = 0; i < new->n_interfaces; i++)
		if (!config_interface_entry(old, new->interfaces[i].name))
			diff_entry(d, interface_entry(NULL), interface_entry(&new->interfaces[i]));
}

static void diff_configs(struct diff *d, const struct config *old, const struct config *new)
{
	for (size_t i = 0; i < sizeof(put_section) / sizeof(*put_section); i++)
		diff_entry(d, ENTRY(old, put_section[i](out, old)),
			   ENTRY(new, put_section[i](out, new)));
	diff_interfaces(d, old, new);
	d->noun = "endpoint";
	for (size_t i = 0; i < old->n_endpoints; i++)
		diff_entry(d, endpoint_entry(&old->endpoints[i]),
			   endpoint_entry(config_endpoint(new, &old->endpoints[i])));
	for (size_t i = 0; i < new->n_endpoints; i++)
		if (!config_endpoint(old, &new->endpoints[i]))
			diff_entry(d, endpoint_entry(NULL), endpoint_entry(&new->endpoints[i]));
	d->noun = "service";
	for (size_t i = 0; i < old->n_services; i++)
		diff_entry(d, service_entry(&old->services[i]),
			   service_entry(config_service(new, old->services[i].name)));
	for (size_t i = 0; i < new->n_services; i++)
		if (!config_service(old, new->services[i].name))
			diff_entry(d, service_entry(NULL), service_entry(&new->services[i]));
	if (other_order(old, new)) {
		d->differs = true;
		if (d->out)
			fputs("services: their order has changed\n", d->out);
	}
	diff_peers(d, old, new);
	d->noun = "rate";
	for (size_t i = 0; i < old->n_rates; i++)
		diff_entry(d, rate_entry(&old->rates[i]),
			   rate_entry(config_rate_like(new, &old->rates[i])));
	for (size_t i = 0; i < new->n_rates; i++)
		if (!config_rate_like(old, &new->rates[i]))
			diff_entry(d, rate_entry(NULL), rate_entry(&new->rates[i]));
	d->noun = "ddns";
	for (size_t i = 0; i < old->n_ddns || i < new->n_ddns; i++)
		diff_entry(d, ddns_entry(old, i), ddns_entry(new, i));
}

bool config_changes(const struct config *old, const struct config *new, FILE *out)
{
	struct diff d = { .out = out };

	diff_configs(&d, old, new);
	return d.differs;
}
