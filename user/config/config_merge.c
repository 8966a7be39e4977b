/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Writes a configuration into the text of the file that it came from, so that the comments, order
 * and spelling of all that is equal stay. It compares three trees: `file` of this text, `old` of
 * what config_save() writes for it, and `new` of what config_save() writes for the new
 * configuration. It replaces the file's text at each place where old and new differ.
 */
#include <stdlib.h>
#include <string.h>
#include "config/config_diff.h"
#include "lib/log.h"
#include "lib/text.h"
#include "lib/yaml.h"

struct merge {
	struct yaml file, old, new;
	FILE *out;
	size_t done;			/* bytes of the file that `out` has, or that are gone */
	bool failed;			/* the file has a form that this does not know */
};

/* ---- places in a text ---- */

static size_t line_begin(const char *text, size_t at)
{
	while (at && text[at - 1] != '\n')
		at--;
	return at;
}

static size_t line_end(const char *text, size_t at)
{
	at += strcspn(text + at, "\n");
	return at + (text[at] == '\n');
}

static bool is_flow(const struct yaml *y, const struct yaml_node *node)
{
	return node->type != YAML_SCALAR && node->len && strchr("[{", y->text[node->at]);
}

/* Returns 1 if quotation marks are around a scalar's place, and not in it: this depends on the
 * version of libfyaml. */
static size_t quote_of(const struct yaml *y, const struct yaml_node *node)
{
	return node->type == YAML_SCALAR && node->at && strchr("\"'", y->text[node->at - 1]) &&
	       y->text[node->at - 1] == y->text[node->at + node->len];
}

/* Returns where the text of a node ends. key: its key in a mapping, or NULL. */
static size_t node_end(const struct yaml *y, const struct yaml_node *node,
		       const struct yaml_node *key)
{
	const struct yaml_node *last = node->last, *before = NULL;
	size_t at;

	if (!node->first) {
		at = node->at || !key ? node->at + node->len + quote_of(y, node) :
					node_end(y, key, NULL) + 1;
		return is_flow(y, node) ? at + strcspn(y->text + at, "]}") + 1 : at;
	}
	if (node->type == YAML_MAP)
		for (before = node->first; before->next != last; before = before->next)
			;
	at = node_end(y, last, before);
	while (is_flow(y, node) && !strchr("]}", y->text[at++]))
		if (y->text[at - 1] == '#')
			at = line_end(y->text, at);
	return at;
}

/* ---- trees ---- */

static bool equal(const struct yaml_node *a, const struct yaml_node *b)
{
	if (a->type != b->type || a->n != b->n ||
	    (a->type == YAML_SCALAR && a->n && memcmp(a->text, b->text, a->n)))
		return false;
	for (a = a->first, b = b->first; a && b && equal(a, b); a = a->next, b = b->next)
		;
	return !a && !b;
}

static const struct yaml_node *value_of(const struct yaml_node *map, const struct yaml_node *key)
{
	const struct yaml_node *k = map->first;

	while (k && !equal(k, key))
		k = k->next->next;
	return k ? k->next : NULL;
}

/* Returns what tells an item from the others of its list: its name, or all of it. */
static const struct yaml_node *id_of(const struct yaml_node *item)
{
	if (item->type == YAML_MAP)
		for (const struct yaml_node *k = item->first; k; k = k->next->next)
			if (k->text && !strcmp(k->text, "name"))
				return k->next;
	return item;
}

static const struct yaml_node *item_like(const struct yaml_node *list, const struct yaml_node *item)
{
	const struct yaml_node *i = list->first;

	while (i && !equal(id_of(i), id_of(item)))
		i = i->next;
	return i;
}

/* ---- writing ---- */

static void copy(struct merge *m, size_t to)
{
	if (to < m->done)
		m->failed = true;
	else
		fwrite(m->file.text + m->done, 1, to - m->done, m->out);
	m->done = to;
}

static void put_node(FILE *out, const struct yaml *y, const struct yaml_node *node)
{
	bool map = node->type == YAML_MAP;

	if (node->type == YAML_SCALAR) {
		size_t quote = quote_of(y, node);

		fwrite(y->text + node->at - quote, 1, node->len + 2 * quote, out);
		return;
	}
	putc(map ? '{' : '[', out);
	for (const struct yaml_node *i = node->first; i; i = i->next) {
		fputs(i == node->first ? " " : ", ", out);
		put_node(out, y, i);
		if (map) {
			fputs(": ", out);
			put_node(out, y, i = i->next);
		}
	}
	fputs(map ? " }" : " ]", out);
}

/* Writes a new item of a list (key NULL), or a new pair, as lines that begin at `column`. Takes the
 * lines of config_save() if it uses several. */
static void put_lines(struct merge *m, const struct yaml_node *key, const struct yaml_node *value,
		      int column)
{
	const char *text = m->new.text;
	size_t from = line_begin(text, key ? key->at : value->at), next,
	       end = line_end(text, node_end(&m->new, value, key)), indent;

	if (line_end(text, from) == end) {
		fprintf(m->out, "%*s", column, "");
		if (key)
			put_node(m->out, &m->new, key);
		fputs(key ? ": " : "- ", m->out);
		put_node(m->out, &m->new, value);
		putc('\n', m->out);
		return;
	}
	indent = strspn(text + from, " ");
	for (; from < end; from = next) {
		next = line_end(text, from);
		fprintf(m->out, "%*s%.*s", column, "", (int)(next - from - indent),
			text + from + indent);
	}
}

/* Removes the lines of an item or a pair, and the lines of comments directly above. before: bytes
 * that may be in front of it. */
static void remove_lines(struct merge *m, size_t at, size_t end, const char *before)
{
	const char *text = m->file.text;
	size_t from = line_begin(text, at), above;

	/* Nothing else may be on these lines. */
	if (from + strspn(text + from, before) < at ||
	    !strchr("#\n", text[end + strspn(text + end, " \t")]))
		m->failed = true;
	for (; from > m->done; from = above) {
		above = line_begin(text, from - 1);
		if (text[above + strspn(text + above, " ")] != '#')
			break;
	}
	copy(m, from);
	m->done = line_end(text, end);
}

static void merge_map(struct merge *m, const struct yaml_node *file, const struct yaml_node *old,
		      const struct yaml_node *new);

static bool can_merge_list(const struct merge *m, const struct yaml_node *file,
			   const struct yaml_node *old)
{
	const struct yaml_node *item = file->first;

	while (item && item_like(old, item))
		item = item->next;
	return !item && !is_flow(&m->file, file);
}

static void merge_list(struct merge *m, const struct yaml_node *file, const struct yaml_node *old,
		       const struct yaml_node *new)
{
	const struct yaml_node *item, *to;

	for (item = file->first; item; item = item->next) {
		to = item_like(new, item);
		if (!to)
			remove_lines(m, item->at, node_end(&m->file, item, NULL), " -\"'");
		else if (item->type == YAML_MAP && !equal(item_like(old, item), to))
			merge_map(m, item, item_like(old, item), to);
	}
	copy(m, line_end(m->file.text, node_end(&m->file, file, NULL)));
	for (item = new->first; item; item = item->next)
		if (!item_like(file, item))
			put_lines(m, NULL, item, file->column);
}

static void merge_pair(struct merge *m, const struct yaml_node *key, const struct yaml_node *old,
		       const struct yaml_node *new)
{
	const struct yaml_node *value = key->next;

	if (old && value->type == old->type && value->type == new->type &&
	    value->type == YAML_MAP) {
		merge_map(m, value, old, new);
	} else if (old && value->type == old->type && value->type == new->type &&
		   value->type == YAML_LIST && can_merge_list(m, value, old)) {
		merge_list(m, value, old, new);
	} else {
		copy(m, node_end(&m->file, key, NULL));
		fputs(": ", m->out);
		put_node(m->out, &m->new, new);
		m->done = node_end(&m->file, value, key);
	}
}

static bool removes_a_key(const struct yaml_node *file, const struct yaml_node *old,
			  const struct yaml_node *new)
{
	const struct yaml_node *key = file->first;

	while (key && (!value_of(old, key) || value_of(new, key)))
		key = key->next->next;
	return key;
}

/* Merges a mapping. If the file leaves out a default, old has it like new, or neither has it. */
static void merge_map(struct merge *m, const struct yaml_node *file, const struct yaml_node *old,
		      const struct yaml_node *new)
{
	const struct yaml_node *key, *was, *is;
	bool flow = is_flow(&m->file, file);
	size_t end = node_end(&m->file, file, NULL);

	if (flow && (!file->first || removes_a_key(file, old, new))) {
		copy(m, file->at);
		put_node(m->out, &m->new, new);
		m->done = end;
		return;
	}
	for (key = file->first; key; key = key->next->next) {
		was = value_of(old, key);
		is = value_of(new, key);
		if (was && !is)
			remove_lines(m, key->at, node_end(&m->file, key->next, key), " \"'");
		else if (is && (!was || !equal(was, is)))
			merge_pair(m, key, was, is);
	}
	for (key = new->first; key; key = key->next->next) {
		was = value_of(old, key);
		if (value_of(file, key) || (was && equal(was, key->next)))
			continue;
		if (flow) {
			copy(m, node_end(&m->file, file->last, NULL));
			fputs(", ", m->out);
			put_node(m->out, &m->new, key);
			fputs(": ", m->out);
			put_node(m->out, &m->new, key->next);
		} else {
			copy(m, m->done > end ? m->done : line_end(m->file.text, end));
			put_lines(m, key, key->next, file->column);
		}
	}
}

/* ---- the whole ---- */

/* Returns whether all three texts are mappings. */
static bool open_all(struct merge *m, const char *file, const char *old, const char *new)
{
	struct yaml *all[] = { &m->file, &m->old, &m->new };
	const char *texts[] = { file, old, new };
	bool maps = true;

	for (int i = 0; i < 3; i++)
		maps &= !yaml_open(all[i], texts[i], strlen(texts[i]), "") && yaml_root(all[i]) &&
			yaml_root(all[i])->type == YAML_MAP;
	return maps;
}

/* Returns whether the text means the configuration c. */
static bool means(const char *text, const struct config *c)
{
	struct config *read = NULL;
	bool same = !config_parse(text, "", &read) && !config_changes(c, read, NULL);

	config_free(read);
	return same;
}

char *config_merge(const char *text, const struct config *new)
{
	struct merge m = { 0 };
	struct config *old = NULL;
	char *ret = NULL, *was, *is;
	size_t n;

	log_silent(true);
	if (!config_parse(text, "", &old)) {
		was = config_text(old);
		is = config_text(new);
		m.out = text_open(&ret, &n);
		m.failed = !open_all(&m, text, was, is);
		if (!m.failed) {
			merge_map(&m, yaml_root(&m.file), yaml_root(&m.old), yaml_root(&m.new));
			copy(&m, strlen(text));
		}
		fclose(m.out);
		yaml_close(&m.file);
		yaml_close(&m.old);
		yaml_close(&m.new);
		free(was);
		free(is);
		if (m.failed || !means(ret, new)) {
			free(ret);
			ret = NULL;
		}
	}
	log_silent(false);
	config_free(old);
	return ret;
}
