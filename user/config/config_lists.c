/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdio.h>
#include <string.h>
#include "lib/grow.h"
#include "config/config_parts.h"
#include "config/config_sections.h"

static const char *const families[] = { "inet", "ip", "ip6", "netdev", "bridge", NULL };

void config_set_path(struct yaml *y, const struct yaml_key *key, struct yaml_node *value,
		     void *object)
{
	const char *text = yaml_text(y, key, value);

	if (text && *text != '/')
		yaml_error(y, value, "%s: '%s' does not begin with '/': write the whole path, such as %s",
			   key->name, text, key->like);
	else if (text)
		yaml_set_text(y, key, value, object);
}

static void set_file(struct yaml *y, const struct yaml_key *key, struct yaml_node *value,
		     void *object)
{
	((struct list_config *)object)->source = LIST_FILE;
	config_set_path(y, key, value, object);
}

bool config_set_name(const char *text, char ret[LIST_NAME_LEN])
{
	char family[8], table[LIST_NAME_LEN], set[LIST_NAME_LEN], more;
	size_t i = 0;

	if (sscanf(text, "%7s %255s %255s %c", family, table, set, &more) != 3)
		return false;
	while (families[i] && strcmp(families[i], family))
		i++;
	snprintf(ret, LIST_NAME_LEN, "%s %.120s %.120s", family, table, set);
	return families[i];
}

static void set_nft_set(struct yaml *y, const struct yaml_key *key, struct yaml_node *value,
			void *object)
{
	const char *text = yaml_text(y, key, value);
	struct list_config *l = object;

	l->source = LIST_NFT_SET;
	if (!text)
		return;
	if (strlen(text) >= sizeof(l->name)) {
		yaml_error(y, value, "%s: '%s' is longer than %zu characters, the limit: write one such as %s",
			   key->name, text, sizeof(l->name) - 1, key->like);
		return;
	}
	if (!config_set_name(text, l->name))
		yaml_error(y, value, "%s: '%s' is not the family, table and name of a set: write them as `nft list sets` prints them, such as %s",
			   key->name, text, key->like);
}

const struct yaml_key config_list_keys[] = {
	{ "nft-set", set_nft_set, "\"inet filter blocklist\"",
	  .offset = offsetof(struct list_config, name), .size = LIST_NAME_LEN,
	  .pattern = " *(inet|ip|ip6|netdev|bridge) +[^ ]+ +[^ ]+ *" },
	{ "file", set_file, "/etc/wgxdp/blocklist.txt",
	  .offset = offsetof(struct list_config, name), .size = LIST_NAME_LEN,
	  .pattern = PATTERN_PATH },
	{},
};

static bool is_list(const struct yaml_node *value)
{
	const struct yaml_node *is = value && value->to ? value->to : value;

	return is && is->type == YAML_MAP;
}

static void add_client(struct yaml *y, const struct yaml_key *key, struct yaml_node *value,
		       struct service_config *s, struct list_config **lists, size_t *n)
{
	size_t prefixes = *(size_t *)((char *)s + key->count);
	struct yaml_key one = *key;
	struct list_config *l;

	if (!is_list(value)) {
		one.below = NULL;	/* errors then propose a prefix */
		config_add_prefix(y, &one, value, s);
		return;
	}
	l = append(*lists, *n);
	l->at = prefixes + *n - 1;
	one.offset = 0;
	one.below = config_list_keys;
	yaml_set_map(y, &one, value, l);
	if (!(value->to ?: value)->first || (value->to ?: value)->first->next->next)
		yaml_error(y, value, "%s: this entry must have one key: write { file: /path } or { nft-set: \"inet filter blocklist\" }",
			   key->name);
}

void config_add_allowed(struct yaml *y, const struct yaml_key *key, struct yaml_node *value,
			void *object)
{
	struct service_config *s = object;

	add_client(y, key, value, s, &s->allow_lists, &s->n_allow_lists);
}

void config_add_denied(struct yaml *y, const struct yaml_key *key, struct yaml_node *value,
		       void *object)
{
	struct service_config *s = object;

	add_client(y, key, value, s, &s->deny_lists, &s->n_deny_lists);
}

void config_set_clients(struct yaml *y, const struct yaml_key *key, struct yaml_node *value,
			void *object)
{
	struct yaml_key list = *key;

	if (!is_list(value)) {
		list.alone = false;
		list.below = NULL;	/* errors then propose a prefix */
	}
	yaml_set_list(y, &list, value, object);
}

/* ---- checking ---- */

bool config_list_equal(const struct list_config *a, const struct list_config *b)
{
	return a->source == b->source && !strcmp(a->name, b->name);
}

static int compare_prefix(const struct prefix *x, const struct prefix *y)
{
	return memcmp(&x->addr, &y->addr, sizeof(x->addr)) ?:
	       x->family - y->family ?: x->len - y->len;
}

static int compare_prefixes(const void *a, const void *b)
{
	const struct prefix *x = *(const struct prefix *const *)a,
			    *y = *(const struct prefix *const *)b;

	return compare_prefix(x, y) ?: (x > y) - (x < y);
}

/* Returns the place in the key's list of the prefix with number j. */
static size_t place_of(const struct list_config *lists, size_t n, size_t j)
{
	for (size_t i = 0; i < n && lists[i].at <= j; i++)
		j++;
	return j;
}

/* Checks the length of a list of prefixes, and reports prefixes that are in it twice. */
static void check_prefixes(struct check *k, size_t i, const char *key, const struct prefix *list,
			   size_t n, const struct list_config *lists, size_t n_lists)
{
	const struct prefix **sorted = xcalloc(n + 1, sizeof(*sorted));
	char text[ADDRESS_STRLEN];
	size_t j;

	at(k, 0, "/services/%zu/%s", i, key);
	if (n > PREFIXES_MAX)
		tell(k, "%s: the list has %zu prefixes, and the limit is %u: move them to a file, and write { file: /path }",
		     key, n, PREFIXES_MAX);
	for (j = 0; j < n; j++)
		sorted[j] = &list[j];
	qsort(sorted, n, sizeof(*sorted), compare_prefixes);
	for (j = 1; j < n; j++) {
		if (compare_prefix(sorted[j - 1], sorted[j]))
			continue;
		at(k, 0, "/services/%zu/%s/%zu", i, key,
		   place_of(lists, n_lists, sorted[j] - list));
		tell(k, "%s: %s is listed twice: remove one of the two", key,
		     prefix_format(sorted[j], text));
	}
	free(sorted);
}

static void check_twice(struct check *k, size_t i, const char *key, const struct list_config *lists,
			size_t n)
{
	for (size_t j = 1; j < n; j++)
		for (size_t before = 0; before < j; before++) {
			if (!config_list_equal(&lists[j], &lists[before]))
				continue;
			at(k, 0, "/services/%zu/%s/%zu", i, key, lists[j].at);
			tell(k, "%s: the list '%s' is given twice: remove one of the two", key, lists[j].name);
		}
}

static size_t count_lists(const struct config *c)
{
	size_t n = 0;

	for (size_t i = 0; i < c->n_services; i++)
		n += c->services[i].n_allow_lists + c->services[i].n_deny_lists;
	return n;
}

void config_check_lists(struct check *k, size_t i)
{
	const struct service_config *s = &k->c->services[i];
	size_t n = s->n_allow_lists + s->n_deny_lists;

	check_prefixes(k, i, "allow", s->allow, s->n_allow, s->allow_lists, s->n_allow_lists);
	check_prefixes(k, i, "deny", s->deny, s->n_deny, s->deny_lists, s->n_deny_lists);
	check_twice(k, i, "allow", s->allow_lists, s->n_allow_lists);
	check_twice(k, i, "deny", s->deny_lists, s->n_deny_lists);
	at(k, 0, "/services/%zu/%s", i, s->n_deny_lists ? "deny" : "allow");
	if (n > LISTS_EACH)
		tell(k, "%s: the service has %zu lists in files and sets, and the limit is %u: join some of the files",
		     s->n_deny_lists ? "deny" : "allow", n, LISTS_EACH);
	else if (n && i + 1 == k->c->n_services && count_lists(k->c) > LISTS_MAX)
		tell(k, "%s: the services have %zu lists in files and sets, and the limit is %u: join some of the files",
		     s->n_deny_lists ? "deny" : "allow", count_lists(k->c), LISTS_MAX);
}

/* ---- writing ---- */

const char *list_source_name(enum list_source source)
{
	return source == LIST_FILE ? "file" : "nft-set";
}

void config_put_list(FILE *out, const struct list_config *l)
{
	fprintf(out, "{ %s: ", list_source_name(l->source));
	config_put_text(out, l->name);
	fputs(" }", out);
}

void config_put_clients(FILE *out, const char *key, const struct prefix *list, size_t n,
			const struct list_config *lists, size_t n_lists)
{
	const char *comma = "";
	char text[ADDRESS_STRLEN];

	if (!n && !n_lists)
		return;
	fprintf(out, "    %s: [ ", key);
	for (size_t i = 0; i < n; i++) {
		fputs(comma, out);
		config_put_text(out, prefix_format(&list[i], text));
		comma = ", ";
	}
	for (size_t i = 0; i < n_lists; i++) {
		fputs(comma, out);
		config_put_list(out, &lists[i]);
		comma = ", ";
	}
	fputs(" ]\n", out);
}

void config_put_lists(FILE *out, const struct service_config *s)
{
	config_put_clients(out, "allow", s->allow, s->n_allow, s->allow_lists, s->n_allow_lists);
	config_put_clients(out, "deny", s->deny, s->n_deny, s->deny_lists, s->n_deny_lists);
}
