/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Documents on libfyaml's nodes.
 */
#include <errno.h>
#include <inttypes.h>
#include <libfyaml.h>
#include <stdlib.h>
#include <string.h>
#include "document.h"

struct document {
	struct fy_document *fyd;
	int failed;			/* -errno of the first thing that did */
};

struct document *document_new(void)
{
	struct document *d = calloc(1, sizeof(*d));

	if (!d)
		return NULL;
	d->fyd = fy_document_create(NULL);
	if (!d->fyd || fy_document_set_root(d->fyd, fy_node_create_mapping(d->fyd))) {
		document_free(d);
		return NULL;
	}
	return d;
}

void document_free(struct document *d)
{
	if (!d)
		return;
	fy_document_destroy(d->fyd);
	free(d);
}

struct node document_root(struct document *d)
{
	return (struct node){ d, fy_document_root(d->fyd) };
}

static struct node put(struct node map, const char *key, struct fy_node *value)
{
	struct fy_node *name = fy_node_create_scalar_copy(map.document->fyd, key, FY_NT);

	if (!map.node || !name || !value || fy_node_mapping_append(map.node, name, value))
		map.document->failed = -ENOMEM;
	return (struct node){ map.document, value };
}

static struct node append_to(struct node list, struct fy_node *value)
{
	if (!list.node || !value || fy_node_sequence_append(list.node, value))
		list.document->failed = -ENOMEM;
	return (struct node){ list.document, value };
}

struct node document_map(struct node parent, const char *key)
{
	return put(parent, key, fy_node_create_mapping(parent.document->fyd));
}

struct node document_list(struct node parent, const char *key)
{
	return put(parent, key, fy_node_create_sequence(parent.document->fyd));
}

struct node document_row(struct node list)
{
	return append_to(list, fy_node_create_mapping(list.document->fyd));
}

/* Text that looks like a number is text all the same: only a quoted scalar stays quoted in JSON. */
static struct fy_node *text_node(struct document *d, const char *text)
{
	char *quoted;

	if (text[strspn(text, "0123456789.+-eE")] && strcmp(text, "null") && strcmp(text, "true") && strcmp(text, "false"))
		return fy_node_create_scalar_copy(d->fyd, text, FY_NT);
	if (asprintf(&quoted, "\"%s\"", text) < 0)
		return NULL;
	return fy_node_build_from_malloc_string(d->fyd, quoted, FY_NT);	/* which the document frees */
}

void document_text(struct node map, const char *key, const char *text)
{
	put(map, key, text_node(map.document, text));
}

void document_number(struct node map, const char *key, __u64 number)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRIu64, (uint64_t)number);
	put(map, key, fy_node_create_scalar_copy(map.document->fyd, text, FY_NT));
}

void document_decimal(struct node map, const char *key, double number)
{
	char text[64];

	snprintf(text, sizeof(text), "%.3f", number);
	put(map, key, fy_node_create_scalar_copy(map.document->fyd, text, FY_NT));
}

void document_null(struct node map, const char *key)
{
	put(map, key, fy_node_create_scalar_copy(map.document->fyd, "null", FY_NT));
}

void document_append(struct node list, const char *text)
{
	append_to(list, text_node(list.document, text));
}

void document_append_once(struct node list, const char *text)
{
	struct fy_node *item;
	void *at = NULL;

	while ((item = fy_node_sequence_iterate(list.node, &at)))
		if (!strcmp(fy_node_get_scalar0(item), text))
			return;
	document_append(list, text);
}

int document_print_json(const struct document *d, FILE *out)
{
	char *text = d->failed ? NULL : fy_emit_document_to_string(d->fyd, FYECF_MODE_JSON | FYECF_INDENT_2 | FYECF_WIDTH_INF);

	if (!text)
		return d->failed ?: -ENOMEM;
	fputs(text, out);
	free(text);
	return 0;
}

static bool is_null(struct fy_node *value)
{
	return fy_node_is_scalar(value) && fy_node_get_style(value) == FYNS_PLAIN && !strcmp(fy_node_get_scalar0(value), "null");
}

/* "5 received, 5 forwarded", with a name before it if there is one; or the items of a list, mappings a line each; or the scalar itself */
static void print_value(struct fy_node *value, FILE *out)
{
	const char *comma = "", *key;
	struct fy_node_pair *pair;
	struct fy_node *item;
	void *at = NULL;

	if (fy_node_is_scalar(value))
		fputs(fy_node_get_scalar0(value), out);
	while (fy_node_is_mapping(value) && (pair = fy_node_mapping_iterate(value, &at))) {
		item = fy_node_pair_value(pair);
		key = fy_node_get_scalar0(fy_node_pair_key(pair));
		if (is_null(item) || (fy_node_is_sequence(item) && !fy_node_sequence_item_count(item)))
			continue;
		if (!strcmp(key, "name")) {
			fprintf(out, *fy_node_get_scalar0(item) ? "%s: " : "%s", fy_node_get_scalar0(item));
			continue;
		}
		fputs(comma, out);
		print_value(item, out);
		fprintf(out, " %s", key);
		comma = ", ";
	}
	while (fy_node_is_sequence(value) && (item = fy_node_sequence_iterate(value, &at))) {
		fputs(fy_node_is_mapping(item) ? "\n    " : comma, out);
		print_value(item, out);
		comma = ", ";
	}
}

/* A row with a name: a paragraph; one without: its values in a line */
static void print_row(const char *noun, struct fy_node *row, FILE *out)
{
	bool named = fy_node_mapping_lookup_by_string(row, "name", FY_NT);
	struct fy_node_pair *pair;
	void *at = NULL;

	while ((pair = fy_node_mapping_iterate(row, &at))) {
		const char *key = fy_node_get_scalar0(fy_node_pair_key(pair));

		if (is_null(fy_node_pair_value(pair)))
			continue;
		if (!named)
			fputs("  ", out);
		else if (!strcmp(key, "name"))
			fprintf(out, "%.*s: ", (int)strlen(noun) - 1, noun);
		else
			fprintf(out, "  %s: ", key);
		print_value(fy_node_pair_value(pair), out);
		if (named)
			fputc('\n', out);
	}
	fputc('\n', out);
}

int document_print(const struct document *d, FILE *out)
{
	struct fy_node_pair *pair;
	struct fy_node *row;
	void *at = NULL, *inner;

	while (!d->failed && (pair = fy_node_mapping_iterate(fy_document_root(d->fyd), &at))) {
		const char *key = fy_node_get_scalar0(fy_node_pair_key(pair));
		struct fy_node *list = fy_node_pair_value(pair);

		inner = NULL;
		row = fy_node_sequence_iterate(list, &inner);
		if (row && !fy_node_mapping_lookup_by_string(row, "name", FY_NT))
			fprintf(out, "%s:\n", key);
		for (; row; row = fy_node_sequence_iterate(list, &inner))
			print_row(key, row, out);
	}
	return d->failed;
}
