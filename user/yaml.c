/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A document and its errors. What libfyaml takes silently (a document cut short at a byte that is no UTF-8, a second
 * document), and what it tells without a place, is an error with a place here.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include "yaml.h"

#define ERRORS_TOLD 50			/* the rest is counted: libfyaml takes milliseconds to find a line in a long file */

bool yaml_is_empty(struct fy_node *node)
{
	return !node || (fy_node_is_scalar(node) && !fy_node_get_scalar_token(node));
}

/* The first node in what is written here that libfyaml can point at: it is silent about those that hold nothing, and
 * about mappings with such in them. */
static struct fy_node *first_written(struct fy_node *node)
{
	struct fy_node *found = NULL, *item;
	struct fy_node_pair *pair;
	void *iter = NULL;

	if (yaml_is_empty(node))
		return NULL;
	if (fy_node_is_mapping(node) && !fy_node_mapping_is_empty(node)) {
		while (!found && (pair = fy_node_mapping_iterate(node, &iter))) {
			found = first_written(fy_node_pair_key(pair));
			if (!found)
				found = first_written(fy_node_pair_value(pair));
		}
		return found;
	}
	if (fy_node_is_sequence(node) && !fy_node_sequence_is_empty(node)) {
		while (!found && (item = fy_node_sequence_iterate(node, &iter)))
			found = first_written(item);
		return found;
	}
	return node;
}

/* In a mapping its key, in a list the list. */
static struct fy_node *outer(struct fy_node *node)
{
	struct fy_node *parent = fy_node_get_parent(node);
	struct fy_node_pair *pair;
	void *iter = NULL;

	while (fy_node_is_mapping(parent) && (pair = fy_node_mapping_iterate(parent, &iter)))
		if (fy_node_pair_value(pair) == node && !yaml_is_empty(fy_node_pair_key(pair)))
			return fy_node_pair_key(pair);
	return parent;
}

void yaml_error(struct yaml *y, struct fy_node *node, const char *format, ...)
{
	struct fy_node *at = NULL;
	char text[512], *c;
	va_list args;

	if (y->errors++ >= ERRORS_TOLD)
		return;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	for (c = text; *c; c++)		/* values of several lines */
		if ((unsigned char)*c < ' ')
			*c = ' ';
	for (; node && !at; node = outer(node))
		at = first_written(node);
	if (at)
		fy_node_report(at, FYET_ERROR, "%s", text);
	else
		fprintf(stderr, "%s:1:1: error: %s\n", y->name, text);
}

/* ---- the document ---- */

/* Bytes of the UTF-8 sequence at s; 0: none, or a character that YAML does not allow. */
static size_t character(const unsigned char *s, size_t n)
{
	size_t len = *s < 0x80 ? 1 : *s >= 0xc2 && *s < 0xe0 ? 2 : (*s & 0xf0) == 0xe0 ? 3 : *s >= 0xf0 && *s < 0xf5 ? 4 : 0;
	size_t i;

	if (len > n || (*s == 0xe0 && s[1] < 0xa0) || (*s == 0xed && s[1] >= 0xa0) || (*s == 0xf0 && s[1] < 0x90) ||
	    (*s == 0xf4 && s[1] >= 0x90) || (*s < ' ' && !strchr("\t\r\n", *s)) || !*s || *s == 0x7f)
		return 0;
	for (i = 1; i < len; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	return len;
}

/* libfyaml ends the document where the text ends to be UTF-8, and takes a tab for a space where lines go on. */
static int check_characters(struct yaml *y, const char *text, size_t n)
{
	const unsigned char *s = (const void *)text, *end = s + n, *start = s;
	unsigned int line = 1;
	bool indent = true;
	size_t len = 1;

	for (; s < end && len; s += len) {
		len = character(s, end - s);
		if (!len)
			fprintf(stderr, "%s:%u:%zu: error: byte 0x%02x: not text in UTF-8\n", y->name, line, s - start + 1, *s);
		if (*s == '\t' && indent && strspn((char *)s, "\t \r") < strcspn((char *)s, "\n#")) {
			fprintf(stderr, "%s:%u:%zu: error: a tab in the indentation: YAML wants spaces\n", y->name, line,
				s - start + 1);
			len = 0;
		}
		indent = *s == '\n' || (indent && *s == ' ');
		line += *s == '\n';
		if (*s == '\n')
			start = s + 1;
	}
	y->errors += !len;
	return len ? 0 : -EINVAL;
}

/* libfyaml's words, all of them, for some come without a place (and would be no error of FILE:LINE:COLUMN). */
static void tell_unparsed(struct yaml *y, const char *said)
{
	size_t n = strlen(y->name);

	y->errors++;
	if (!strncmp(said, y->name, n) && said[n] == ':')
		fputs(said, stderr);
	else
		fprintf(stderr, "%s:1:1: error: no YAML: %.*s\n", y->name, (int)strcspn(said, "\n"), said);
}

static bool load(struct yaml *y)
{
	struct fy_document *second;

	y->document = fy_parse_load_document(y->parser);
	second = y->document ? fy_parse_load_document(y->parser) : NULL;
	if (!second)
		return !fy_parser_get_stream_error(y->parser);
	fprintf(stderr, "%s:%d:1: error: a second document: one a file\n", y->name,
		fy_document_state_start_mark(fy_document_get_document_state(second))->line + 1);
	y->errors++;
	fy_parse_document_destroy(y->parser, second);
	return true;
}

static void diag_to(struct fy_diag_cfg *cfg, FILE *out)
{
	fy_diag_cfg_default(cfg);
	cfg->fp = out;
	cfg->level = FYET_ERROR;
	cfg->colorize = cfg->show_source = cfg->show_position = cfg->show_type = cfg->show_module = false;
}

/* The document, and what libfyaml says of it on the way; errors in its meaning go straight to standard error. */
static int parse(struct yaml *y, const char *text, size_t n, FILE *ear)
{
	struct fy_parse_cfg cfg = { .flags = FYPCF_ALLOW_DUPLICATE_KEYS | FYPCF_DEFAULT_VERSION_1_2 | FYPCF_JSON_NONE };
	struct fy_diag_cfg diag;
	bool parsed;

	diag_to(&diag, ear);
	y->stream = fmemopen((void *)text, n, "r");
	cfg.diag = y->diag = fy_diag_create(&diag);
	y->parser = y->diag ? fy_parser_create(&cfg) : NULL;
	if (!y->stream || !y->parser || fy_parser_set_input_fp(y->parser, y->name, y->stream))
		return -ENOMEM;
	parsed = load(y);
	diag_to(&diag, stderr);
	fy_diag_set_cfg(y->diag, &diag);
	return parsed ? y->errors ? -EINVAL : 0 : -EBADMSG;
}

int yaml_open(struct yaml *y, const char *text, size_t n, const char *name)
{
	char *said = NULL;
	size_t said_n;
	FILE *ear;
	int r;

	*y = (struct yaml) { .name = name };
	r = check_characters(y, text, n);
	if (r || !n)
		return r;
	ear = open_memstream(&said, &said_n);
	r = ear ? parse(y, text, n, ear) : -ENOMEM;
	if (r)
		yaml_close(y);
	if (ear)
		fclose(ear);
	if (r == -EBADMSG) {
		tell_unparsed(y, said);
		r = -EINVAL;
	}
	free(said);
	return r;
}

void yaml_close(struct yaml *y)
{
	if (y->errors > ERRORS_TOLD)
		fprintf(stderr, "%s: %u more errors\n", y->name, y->errors - ERRORS_TOLD);
	if (y->document)
		fy_parse_document_destroy(y->parser, y->document);
	if (y->parser)
		fy_parser_destroy(y->parser);
	if (y->diag)
		fy_diag_unref(y->diag);
	if (y->stream)
		fclose(y->stream);
	y->document = NULL;
	y->parser = NULL;
	y->diag = NULL;
	y->stream = NULL;
}

struct fy_node *yaml_root(struct yaml *y)
{
	struct fy_node *root = y->document ? fy_document_root(y->document) : NULL;

	return yaml_is_empty(root) ? NULL : root;
}
