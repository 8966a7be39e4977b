/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Each item of the tree is one allocation. A table is made in memory before its first line is
 * printed, because its columns are as wide as their widest cell.
 */
#include <ctype.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "lib/document.h"
#include "lib/grow.h"
#include "lib/memory.h"
#include "lib/text.h"

enum kind { MAP, LIST, TEXT, NUMBER, TIME, NOTHING };

struct item {
	/* next: the item behind it; first, last: the items in it. */
	struct item *next, *first, *last;
	enum kind kind;
	const char *key;			/* NULL: the item is in a list */
	const char *text;
	char letters[];				/* the texts that key and text point to */
};

struct document {
	struct item root;
};

struct document *document_new(void)
{
	return xcalloc(1, sizeof(struct document));
}

/* Frees a document, by a loop: the stack of a recursion would grow with the document's depth. */
void document_free(struct document *d)
{
	struct item *all = d ? d->root.first : NULL, *item;

	while ((item = all)) {
		all = item->next;
		if (item->first) {
			item->last->next = all;
			all = item->first;
		}
		free(item);
	}
	free(d);
}

struct node document_root(struct document *d)
{
	return (struct node){ d, &d->root };
}

static struct node add_item(struct node parent, enum kind kind, const char *key, const char *text)
{
	size_t key_size = strlen(key) + 1, size = key_size + strlen(text) + 1;
	struct item *to = parent.node, *item = xcalloc(1, sizeof(*item) + size);

	item->kind = kind;
	item->key = memcpy(item->letters, key, key_size);
	item->text = memcpy(item->letters + key_size, text, size - key_size);
	if (to->last)
		to->last->next = item;
	else
		to->first = item;
	to->last = item;
	return (struct node){ parent.document, item };
}

struct node document_map(struct node parent, const char *key)
{
	return add_item(parent, MAP, key, "");
}

struct node document_list(struct node parent, const char *key)
{
	return add_item(parent, LIST, key, "");
}

struct node document_row(struct node list)
{
	return add_item(list, MAP, "", "");
}

void document_text(struct node map, const char *key, const char *text)
{
	add_item(map, text ? TEXT : NOTHING, key, text ?: "null");
}

void document_number(struct node map, const char *key, __u64 number)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRIu64, (uint64_t)number);
	add_item(map, NUMBER, key, text);
}

void document_number_if(struct node map, const char *key, bool known, __u64 number)
{
	if (known)
		document_number(map, key, number);
	else
		document_null(map, key);
}

void document_time(struct node map, const char *key, bool known, __u64 seconds)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRIu64, (uint64_t)seconds);
	add_item(map, known ? TIME : NOTHING, key, known ? text : "null");
}

void document_decimal(struct node map, const char *key, double number)
{
	char text[64];

	snprintf(text, sizeof(text), "%.3f", number);
	add_item(map, NUMBER, key, text);
}

void document_null(struct node map, const char *key)
{
	add_item(map, NOTHING, key, "null");
}

void document_append(struct node list, const char *text)
{
	add_item(list, TEXT, "", text);
}

void document_append_once(struct node list, const char *text)
{
	const struct item *in = list.node;

	for (const struct item *item = in ? in->first : NULL; item; item = item->next)
		if (!strcmp(item->text, text))
			return;
	document_append(list, text);
}

/* ---- JSON ---- */

static void print_json(const struct item *item, int depth, FILE *out)
{
	const char *ends = item->kind == MAP ? "{}" : "[]";

	if (item->kind == TEXT)
		text_print_json(out, item->text);
	else if (item->kind != MAP && item->kind != LIST)
		fputs(item->text, out);
	else if (!item->first)
		fputs(ends, out);
	else {
		fprintf(out, "%c\n", ends[0]);
		for (const struct item *in = item->first; in; in = in->next) {
			fprintf(out, "%*s", 2 * depth + 2, "");
			if (item->kind == MAP) {
				text_print_json(out, in->key);
				fputs(": ", out);
			}
			print_json(in, depth + 1, out);
			fputs(in->next ? ",\n" : "\n", out);
		}
		fprintf(out, "%*s%c", 2 * depth, "", ends[1]);
	}
}

void document_print_json(const struct document *d, FILE *out)
{
	print_json(&d->root, 0, out);
	fputc('\n', out);
}

/* ---- for people ---- */

static bool has_name(const struct item *row)
{
	for (const struct item *item = row->first; item; item = item->next)
		if (!strcmp(item->key, "name"))
			return true;
	return false;
}

static void print_time(const char *seconds, FILE *out)
{
	time_t at = strtoll(seconds, NULL, 10), ago = time(NULL) - at;
	char text[64] = "never";
	struct tm tm;

	if (at && localtime_r(&at, &tm))
		strftime(text, sizeof(text), "%F %T", &tm);
	fputs(text, out);
	if (at && ago >= 0)
		fprintf(out, ago < 120 ? " (%lld s ago)" : " (%lld min ago)",
			(long long)(ago < 120 ? ago : ago / 60));
}

/* Returns whether the plain form omits the item, because it is null or has no contents. */
static bool is_blank(const struct item *item)
{
	return item->kind == NOTHING || (item->kind == LIST && !item->first) ||
	       (item->kind == TEXT && !*item->text && *item->key);
}

/* Prints a key as words. `letter` is tolower(3) or toupper(3). */
static void print_key(const char *key, int (*letter)(int), FILE *out)
{
	static const char *const words[][2] = {
		{ "bytes", "bytes forwarded" },
		{ "forwarded_xdp", "forwarded by XDP" },
		{ "forwarded_tc", "forwarded by tc" },
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (!strcmp(key, words[i][0])) {
			fputs(words[i][1], out);
			return;
		}
	for (; *key; key++)
		putc(*key == '_' ? ' ' : letter(*key), out);
}

/* Prints a value. A mapping is "5 received, strict no", after its name if it has one. Items of a
 * list that are mappings or sentences ("a: b") have a line each. */
static void print_value(const struct item *value, FILE *out)
{
	const char *comma = "";

	if (value->kind == TIME)
		print_time(value->text, out);
	else if (value->kind != MAP && value->kind != LIST)
		text_print(out, value->text);
	for (const struct item *item = value->first; item; item = item->next) {
		if (value->kind == LIST) {
			fputs(item->kind == MAP || strstr(item->text, ": ") ? "\n    " : comma,
			      out);
			print_value(item, out);
		} else if (is_blank(item)) {
			continue;
		} else if (!strcmp(item->key, "name")) {
			text_print(out, item->text);
			fputs(*item->text ? ": " : "", out);
			continue;
		} else if (item->kind == NUMBER) {
			fprintf(out, "%s%s ", comma, item->text);
			print_key(item->key, tolower, out);
		} else {
			fputs(comma, out);
			print_key(item->key, tolower, out);
			putc(' ', out);
			print_value(item, out);
		}
		comma = ", ";
	}
}

/* Prints a row that has a name as a paragraph. */
static void print_row(const char *noun, const struct item *row, FILE *out)
{
	for (const struct item *item = row->first; item; item = item->next) {
		if (is_blank(item))
			continue;
		if (!strcmp(item->key, "name"))
			fprintf(out, "%.*s: ", (int)strlen(noun) - 1, noun);
		else
			fprintf(out, "  %s: ", item->key);
		print_value(item, out);
		fputc('\n', out);
	}
	fputc('\n', out);
}

/* Returns a cell of a table, or (head) its key. The caller frees the text. */
static char *cell_text(const struct item *item, bool head)
{
	char *text;
	size_t n;
	FILE *out = text_open(&text, &n);

	if (head)
		print_key(item->key, toupper, out);
	else if (is_blank(item))
		putc('-', out);
	else
		print_value(item, out);
	fclose(out);
	return text;
}

static bool same_keys(const struct item *a, const struct item *b)
{
	for (a = a->first, b = b->first; a && b && !strcmp(a->key, b->key);
	     a = a->next, b = b->next)
		;
	return !a && !b;
}

#define COLUMNS 16

/* Prints rows without names in columns, below a head. Ends before the first row with other keys,
 * which begins a table of its own, and returns it. */
static const struct item *print_table(const struct item *first, FILE *out)
{
	const struct item *row = first, *item;
	size_t width[COLUMNS] = { 0 }, columns = 0, n = 0, length;
	char **cells = NULL;

	for (item = first->first; item; item = item->next, columns++)
		*append(cells, n) = cell_text(item, true);
	for (; row && same_keys(first, row); row = row->next)
		for (item = row->first; item; item = item->next)
			*append(cells, n) = cell_text(item, false);
	for (size_t i = 0; i < n; i++)
		if (i % columns < COLUMNS && (length = strlen(cells[i])) > width[i % columns])
			width[i % columns] = length;
	for (size_t i = 0; i < n; i++) {
		bool last = (i + 1) % columns == 0;

		fprintf(out, "  %-*s%s", last || i % columns >= COLUMNS ? 0 :
			(int)width[i % columns], cells[i], last ? "\n" : "");
		free(cells[i]);
	}
	free(cells);
	return row;
}

bool document_is_empty(const struct document *d, const char *list)
{
	for (const struct item *item = d->root.first; item; item = item->next)
		if (!strcmp(item->key, list))
			return !item->first;
	return true;
}

void document_print(const struct document *d, FILE *out)
{
	for (const struct item *list = d->root.first; list; list = list->next) {
		const struct item *row = list->kind == LIST ? list->first : NULL;

		if (row && !has_name(row)) {
			fprintf(out, "%s:\n", list->key);
			while (row)
				row = print_table(row, out);
			fputc('\n', out);
		}
		for (; row; row = row->next)
			print_row(list->key, row, out);
	}
}
