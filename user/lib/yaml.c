/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A document and its errors. What libfyaml takes silently (a document cut short at a byte that is no UTF-8, a second
 * document), and what it tells without a place, is an error with a place here.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include "lib/log.h"
#include "lib/text.h"
#include "lib/yaml.h"
#include "lib/yaml_json.h"

#define ERRORS_TOLD 50			/* the rest is counted */

bool yaml_is_empty(const struct yaml_node *node)
{
	return !node || (node->type == YAML_SCALAR && !node->text);
}

/* The first node in what is written here that can be pointed at. */
static struct yaml_node *first_written(struct yaml_node *node)
{
	struct yaml_node *at = node;

	while (at && (at->first || yaml_is_empty(at)))
		at = yaml_following(at, node);
	return at;
}

/* In a mapping its key, in a list the list. */
static struct yaml_node *outer(struct yaml_node *node)
{
	struct yaml_node *parent = node->parent, *key = parent && parent->type == YAML_MAP ? parent->first : NULL;

	for (; key; key = key->next->next)
		if (key->next == node && !yaml_is_empty(key))
			return key;
	return parent;
}

static bool goes_on(char c)		/* a byte of a character's that is not its first */
{
	return (c & 0xc0) == 0x80;
}

/* The line, or of a long one what is around the node, and a caret below the node's beginning */
static void show_source(const struct yaml *y, const struct yaml_node *node)
{
	enum { BEFORE = 40, SHOWN = 80 };
	const char *at = y->text + node->at, *end = at + strcspn(at, "\r\n"), *start = at, *c;
	char below[BEFORE + 4 + SHOWN + 1], *to = below;		/* in one piece: each write to stderr is a call */

	while (start > y->text && start[-1] != '\n' && (at - start < BEFORE || goes_on(*start)))
		start--;
	if (end - start > SHOWN)
		for (end = start + SHOWN; goes_on(*end);)
			end--;
	for (c = start; c < at; c++)
		if (!goes_on(*c))
			*to++ = *c == '\t' ? '\t' : ' ';
	*to++ = '^';
	for (c = at + 1; c < at + node->len && c < end; c++)
		if (!goes_on(*c))
			*to++ = '~';
	fprintf(stderr, "%.*s\n%.*s\n", (int)(end - start), start, (int)(to - below), below);
}

void yaml_error(struct yaml *y, struct yaml_node *node, const char *format, ...)
{
	struct yaml_node *at = NULL;
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
		fprintf(stderr, "%s:%d:%d: error: %s\n", y->name, at->line + 1, at->column + 1, text);
	else
		fprintf(stderr, "%s:1:1: error: %s\n", y->name, text);
	if (at)
		show_source(y, at);
}

/* ---- the document ---- */

size_t yaml_character(const unsigned char *s, size_t n)
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
		if (*s > ' ' && *s < 0x7f) {		/* most are */
			indent = false;
			len = 1;
			continue;
		}
		len = yaml_character(s, end - s);
		if (!len)
			fprintf(stderr, "%s:%u:%td: error: byte 0x%02x: not text in UTF-8\n", y->name, line, s - start + 1, *s);
		if (*s == '\t' && indent && strspn((char *)s, "\t \r") < strcspn((char *)s, "\n#")) {
			fprintf(stderr, "%s:%u:%td: error: a tab in the indentation: YAML wants spaces\n", y->name, line,
				s - start + 1);
			len = 0;
		}
		indent = *s == '\n' || (indent && *s == ' ');
		line += *s == '\n';
		if (*s == '\n')
			start = s + 1;
	}
	if (len && n && s[-1] == '\\') {		/* an assertion of libfyaml's fails where an escape is cut off */
		fprintf(stderr, "%s:%u:%td: error: the text ends in a backslash\n", y->name, line, s - start);
		len = 0;
	}
	y->errors += !len;
	return len ? 0 : -EINVAL;
}

/* libfyaml's words, all of them, for some come without a place (and would be no error of FILE:LINE:COLUMN). What it reads from
 * memory has no name but where it is: <memory-@0x…-0x…> */
static void tell_unparsed(struct yaml *y, const char *said)
{
	static const char memory[] = "<memory-@";
	bool placed = !strncmp(said, memory, strlen(memory));

	y->errors++;
	if (!placed)
		fprintf(stderr, "%s:1:1: error: no YAML: %.*s\n", y->name, (int)strcspn(said, "\n"), said);
	while (placed && *said) {
		size_t n = strcspn(said, "\n") + 1;
		const char *end = !strncmp(said, memory, strlen(memory)) ? memchr(said, '>', n) : NULL;

		if (end)
			fputs(y->name, stderr);
		fwrite(end ? end + 1 : said, 1, said + n - (end ? end + 1 : said), stderr);
		said += n;
	}
}

/* What libfyaml says of it on the way goes to ear. From memory, for streams are read in small pieces and copied. */
static int parse(struct yaml *y, FILE *ear)
{
	struct fy_parse_cfg cfg = { .flags = FYPCF_ALLOW_DUPLICATE_KEYS | FYPCF_DEFAULT_VERSION_1_2 | FYPCF_JSON_NONE };
	struct fy_diag_cfg diag;
	struct fy_parser *parser;
	int r = -ENOMEM;

	fy_diag_cfg_default(&diag);
	diag.fp = ear;
	diag.level = FYET_ERROR;
	diag.colorize = diag.show_source = diag.show_position = diag.show_type = diag.show_module = false;
	cfg.diag = fy_diag_create(&diag);
	parser = cfg.diag ? fy_parser_create(&cfg) : NULL;
	if (parser && !fy_parser_set_string(parser, y->text, y->n)) {
		errno = 0;
		yaml_tree_build(&y->tree, parser);
		r = y->tree.no_memory ? -ENOMEM : y->tree.too_deep ? -ELOOP : fy_parser_get_stream_error(parser) ? -EBADMSG : y->tree.second ? -EINVAL : 0;
		if (r == -EBADMSG && errno == ENOMEM)	/* libfyaml says at most that some function of its own failed */
			r = -ENOMEM;
	}
	if (parser)
		fy_parser_destroy(parser);
	if (cfg.diag)
		fy_diag_unref(cfg.diag);
	return r;
}

int yaml_open(struct yaml *y, const char *text, size_t n, const char *name)
{
	char *said = NULL;
	size_t said_n;
	FILE *ear;
	int r;

	*y = (struct yaml) { .name = name, .text = text, .n = n };
	r = check_characters(y, text, n);
	if (r || !n)
		return r;
	ear = text_open(&said, &said_n);
	r = ear ? parse(y, ear) : -ENOMEM;
	if (ear && fclose(ear) && r)
		r = -ENOMEM;
	if (r == -EINVAL) {
		fprintf(stderr, "%s:%d:1: error: a second document: one a file\n", y->name, y->tree.second);
		y->errors++;
	} else if (r == -ELOOP) {
		fprintf(stderr, "%s:%d:1: error: nested more than %d deep\n", y->name, y->tree.too_deep, YAML_DEPTH);
		y->errors++;
		r = -EINVAL;
	} else if (r == -EBADMSG) {
		tell_unparsed(y, said);
		r = -EINVAL;
	}
	if (r == -ENOMEM)
		log_error("cannot read %s: %s", name, strerror(ENOMEM));
	if (r)
		yaml_close(y);
	free(said);
	return r;
}

int yaml_open_json(struct yaml *y, const char *text, size_t n, const char *name)
{
	size_t at;
	const char *wrong = json_wrong(text, n, &at);

	if (!wrong)
		return yaml_open(y, text, n, name);
	*y = (struct yaml){ .name = name, .errors = 1 };
	fprintf(stderr, "%s: byte %zu: error: %s\n", name, at + 1, wrong);
	return -EINVAL;
}

void yaml_close(struct yaml *y)
{
	if (y->errors > ERRORS_TOLD)
		fprintf(stderr, "%s: %u more errors\n", y->name, y->errors - ERRORS_TOLD);
	yaml_tree_free(&y->tree);
}

struct yaml_node *yaml_root(struct yaml *y)
{
	return yaml_is_empty(y->tree.root) ? NULL : y->tree.root;
}
