/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Opens documents and prints errors, for yaml.h. libfyaml accepts some faults silently (it ends the
 * document at a byte that is not UTF-8, and accepts a second document) and reports others without a
 * place. This file reports each of them as an error with a place.
 */
#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>
#include "lib/file.h"
#include "lib/log.h"
#include "lib/memory.h"
#include "lib/paths.h"
#include "lib/text.h"
#include "lib/yaml.h"

#define ERRORS_PRINTED 50	/* errors that are printed; further ones are only counted */

bool yaml_is_empty(const struct yaml_node *node)
{
	return !node || (node->type == YAML_SCALAR && !node->text);
}

/* Returns the first node in `node` that stands in the file as text, for an error to point at. */
static struct yaml_node *first_written(struct yaml_node *node)
{
	struct yaml_node *at = node;

	while (at && (at->first || yaml_is_empty(at)))
		at = yaml_following(at, node);
	return at;
}

/* Returns the node outside: for a value in a mapping its key, for an item its list. */
static struct yaml_node *outer_node(struct yaml_node *node)
{
	struct yaml_node *parent = node->parent,
			 *key = parent && parent->type == YAML_MAP ? parent->first : NULL;

	for (; key; key = key->next->next)
		if (key->next == node && !yaml_is_empty(key))
			return key;
	return parent;
}

/* Returns whether c is the second or a later byte of a UTF-8 character. */
static bool continues_character(char c)
{
	return (c & 0xc0) == 0x80;
}

/* Prints the source line and, below it, a caret under the node's beginning. If the line is long, it
 * prints only the part around the node. */
static void show_source(const struct yaml *y, const struct yaml_node *node)
{
	enum { BEFORE = 60, SHOWN = 100 };
	const char *at = y->text + node->at, *end = at + strcspn(at, "\r\n"), *start = at, *c;
	/* Print both lines with one fprintf(): on stderr each call is a system call. */
	char below[BEFORE + 4 + SHOWN + 1], *to = below;

	while (start > y->text && start[-1] != '\n' &&
	       (at - start < BEFORE || continues_character(*start)))
		start--;
	if (end - start > SHOWN)
		for (end = start + SHOWN; continues_character(*end);)
			end--;
	for (c = start; c < at; c++)
		if (!continues_character(*c))
			*to++ = *c == '\t' ? '\t' : ' ';
	*to++ = '^';
	for (c = at + 1; c < at + node->len && c < end; c++)
		if (!continues_character(*c))
			*to++ = '~';
	fprintf(log_stream(), "%.*s\n%.*s\n", (int)(end - start), start, (int)(to - below), below);
}

void yaml_error(struct yaml *y, struct yaml_node *node, const char *format, ...)
{
	struct yaml_node *at = NULL;
	char text[512], *c;
	va_list args;

	if (y->errors++ >= ERRORS_PRINTED)
		return;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	for (c = text; *c; c++)		/* a quoted value may contain newlines */
		if ((unsigned char)*c < ' ')
			*c = ' ';
	for (; node && !at; node = outer_node(node))
		at = first_written(node);
	if (at)
		fprintf(log_stream(), "%s:%d:%d: error: %s\n", y->name, at->line + 1,
			at->column + 1, text);
	else
		fprintf(log_stream(), "%s:1:1: error: %s\n", y->name, text);
	if (at)
		show_source(y, at);
}

/* ---- the document ---- */

const char *yaml_file_name(const char *file)
{
	return strcmp(file, "-") ? file : "<stdin>";
}

/* Prints why a file cannot be read, and hints: it is a directory, or the file's name has the other
 * ending (.yaml, .yml). */
static void log_unreadable(const char *file, int r)
{
	const char *dot = strrchr(file, '.');
	char other[4096] = "";

	if (r == -ENOENT && dot && (!strcmp(dot, ".yml") || !strcmp(dot, ".yaml")))
		snprintf(other, sizeof(other), "%.*s%s", (int)(dot - file), file,
			 strlen(dot) == 4 ? ".yaml" : ".yml");
	if (*other && !access(other, R_OK))
		log_error("cannot read %s: %s: there is %s", file, strerror(-r), other);
	else
		log_error("cannot read %s: %s%s", file, strerror(-r),
			  r == -EISDIR ? ": name a file in this directory" :
			  r == -ENOENT && !strncmp(file, CONFIG_DIR "/", strlen(CONFIG_DIR "/")) ?
			  ": write it, or name another file with -c FILE" :
			  r == -ENOENT ? ": correct the name of the file" :
			  r == -EFBIG ? ": the limit is 16 MiB" : "");
}

int yaml_read(const char *file, char **ret, size_t *ret_n)
{
	bool is_stdin = !strcmp(file, "-");
	int r = is_stdin ? file_read_fd(0, YAML_FILE_LIMIT, ret, ret_n) :
		file_read(file, YAML_FILE_LIMIT, ret, ret_n);

	if (r) {
		log_unreadable(is_stdin ? "standard input" : file, r);
	/* Empty input is what a failed command leaves, so it is no empty configuration. */
	} else if (is_stdin && strspn(*ret, " \t\r\n") == *ret_n) {
		log_error("standard input is empty: check the command before the pipe. For an empty configuration, write {}");
		free(*ret);
		r = -EINVAL;
	}
	return r;
}

/* Refuses bytes that are not UTF-8, where libfyaml would end the document, and tabs in the
 * indentation, which it would take for a space in continued lines. No-break spaces there would
 * make the text begin in an earlier column. */
static int check_characters(struct yaml *y, const char *text, size_t n)
{
	const unsigned char *s = (const void *)text, *end = s + n, *start = s;
	unsigned int line = 1;
	bool indent = true;
	const char *wrong = NULL;
	size_t len = 1;

	for (; s < end && len; s += len) {
		if (*s > ' ' && *s < 0x7f) {	/* most characters are these, so test them first */
			indent = false;
			len = 1;
			continue;
		}
		len = yaml_character(s, end - s);
		if (!len)
			fprintf(log_stream(), "%s:%u:%td: error: the byte 0x%02x is not UTF-8 text: save the file as UTF-8\n",
				y->name, line, s - start + 1, *s);
		if (*s == '\t' && indent && strspn((char *)s, "\t \r") < strcspn((char *)s, "\n#"))
			wrong = "a tab, which YAML does not allow: replace it with spaces";
		else if (*s == 0xc2 && s[1] == 0xa0 && s == start + strspn((char *)start, " -"))
			wrong = "a no-break space: replace it with an ordinary space";
		if (wrong) {
			fprintf(log_stream(), "%s:%u:%td: error: the indentation has %s\n", y->name,
				line, s - start + 1, wrong);
			break;
		}
		indent = *s == '\n' || (indent && *s == ' ');
		line += *s == '\n';
		if (*s == '\n')
			start = s + 1;
	}
	if (wrong) {
		len = 0;
	} else if (len && n && s[-1] == '\\') {	/* libfyaml calls abort() on an incomplete escape */
		fprintf(log_stream(), "%s:%u:%td: error: the text ends in a backslash: remove it\n",
			y->name, line, s - start);
		len = 0;
	}
	y->errors += !len;
	return len ? 0 : -EINVAL;
}

/* Prints the first error of libfyaml in our words. said: its message,
 * <memory-@0x…-0x…>:LINE:COLUMN: error: text; some messages lack the place. */
static void print_parser_error(struct yaml *y, const char *said)
{
	const char *place = strchr(said, '>'), *text = strstr(said, "error: ");
	struct yaml_node node = { .type = YAML_SCALAR, .text = "", .len = 1 };
	struct yaml_fault fault;
	char words[256];
	int line = 1, column = 1;

	if (!place || sscanf(place, ">:%d:%d:", &line, &column) != 2 || !text) {
		line = column = 1;
		text = said;
	} else {
		text += strlen("error: ");
	}
	snprintf(words, sizeof(words), "%.*s", (int)strcspn(text, "\n"), text);
	yaml_explain(y, line - 1, column - 1, words, &fault);
	node.line = fault.line;
	node.column = fault.column;
	node.at = fault.at;
	yaml_error(y, &node, "%s", fault.text);
}

/* Parses the text into y->tree. ear: stream for libfyaml's messages. The text is in memory, because
 * libfyaml reads streams in small pieces and copies them. */
static int parse_events(struct yaml *y, FILE *ear)
{
	struct fy_parse_cfg cfg = { .flags = FYPCF_ALLOW_DUPLICATE_KEYS |
					     FYPCF_DEFAULT_VERSION_1_2 | FYPCF_JSON_NONE };
	struct fy_diag_cfg diag;
	struct fy_parser *parser;
	int r = -EBADMSG;

	fy_diag_cfg_default(&diag);
	diag.fp = ear;
	diag.level = FYET_ERROR;
	diag.colorize = diag.show_source = diag.show_position = diag.show_type = diag.show_module =
		false;
	cfg.diag = memory_there(fy_diag_create(&diag));
	parser = memory_there(fy_parser_create(&cfg));
	if (!fy_parser_set_string(parser, y->text, y->n)) {
		yaml_tree_build(&y->tree, parser);
		r = y->tree.too_deep ? -ELOOP :
		    fy_parser_get_stream_error(parser) ? -EBADMSG : y->tree.second ? -EINVAL : 0;
	}
	fy_parser_destroy(parser);
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
	r = parse_events(y, ear);
	fclose(ear);
	if (r == -EINVAL) {
		fprintf(log_stream(), "%s:%d:1: error: a second YAML document begins here, and a file may have only one: remove '---' and move the keys below it into the sections above\n",
			y->name, y->tree.second);
		y->errors++;
	} else if (r == -ELOOP) {
		fprintf(log_stream(), "%s:%d:1: error: values are nested more than %d levels deep: use fewer levels\n",
			y->name, y->tree.too_deep, YAML_DEPTH);
		y->errors++;
		r = -EINVAL;
	} else if (r == -EBADMSG) {
		print_parser_error(y, said);
		r = -EINVAL;
	}
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
	fprintf(log_stream(), "%s: byte %zu: error: %s\n", name, at + 1, wrong);
	return -EINVAL;
}

void yaml_close(struct yaml *y)
{
	if (y->errors > ERRORS_PRINTED)
		fprintf(log_stream(), "%s: %u more errors\n", y->name, y->errors - ERRORS_PRINTED);
	yaml_tree_free(&y->tree);
}

struct yaml_node *yaml_root(struct yaml *y)
{
	return yaml_is_empty(y->tree.root) ? NULL : y->tree.root;
}
