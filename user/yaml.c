/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * libfyaml's document tree, walked along tables of keys. What libfyaml takes silently (a document cut short at a byte
 * that is no UTF-8, a second document) is an error here.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include "yaml.h"

#define ERRORS_TOLD 50			/* the rest is counted: libfyaml takes milliseconds to find a line in a long file */
#define NAME_MAX_COMPARED 32		/* bytes of a key that the nearest one is looked for */

static bool is_empty(struct fy_node *node)
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

	if (is_empty(node))
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
		if (fy_node_pair_value(pair) == node && !is_empty(fy_node_pair_key(pair)))
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

	if (len > n || (*s < ' ' && !strchr("\t\r\n", *s)) || !*s || *s == 0x7f)
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

static int load(struct yaml *y)
{
	struct fy_document *second = NULL;

	y->document = fy_parse_load_document(y->parser);
	if (!y->document && !fy_parser_get_stream_error(y->parser))
		return 0;
	if (!y->document)
		goto bad;
	second = fy_parse_load_document(y->parser);
	if (second) {
		fprintf(stderr, "%s:%d:1: error: a second document: one a file\n", y->name,
			fy_document_state_start_mark(fy_document_get_document_state(second))->line + 1);
		fy_parse_document_destroy(y->parser, second);
	}
	if (!second && !fy_parser_get_stream_error(y->parser))
		return 0;
bad:
	if (!second && !fy_diag_got_error(y->diag))
		fprintf(stderr, "%s:1:1: error: no YAML\n", y->name);
	y->errors++;
	return -EINVAL;
}

int yaml_open(struct yaml *y, const char *text, size_t n, const char *name)
{
	struct fy_diag_cfg diag_cfg;
	struct fy_parse_cfg cfg = { .flags = FYPCF_ALLOW_DUPLICATE_KEYS | FYPCF_DEFAULT_VERSION_1_2 | FYPCF_JSON_NONE };
	int r;

	*y = (struct yaml) { .name = name };
	r = check_characters(y, text, n);
	if (r || !n)
		return r;
	fy_diag_cfg_default(&diag_cfg);
	diag_cfg.fp = stderr;
	diag_cfg.level = FYET_ERROR;
	diag_cfg.colorize = diag_cfg.show_source = diag_cfg.show_position = false;
	diag_cfg.show_type = diag_cfg.show_module = false;
	cfg.diag = y->diag = fy_diag_create(&diag_cfg);
	y->stream = fmemopen((void *)text, n, "r");
	y->parser = y->diag ? fy_parser_create(&cfg) : NULL;
	if (!y->stream || !y->parser || fy_parser_set_input_fp(y->parser, name, y->stream))
		r = -ENOMEM;
	if (!r)
		r = load(y);
	if (r)
		yaml_close(y);
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

	return is_empty(root) ? NULL : root;
}

void *yaml_append(struct yaml *y, void *array, size_t *n, size_t size)
{
	void *rows = *(void **)array;

	if (!(*n & (*n - 1)))		/* full: rooms are powers of two */
		rows = reallocarray(rows, *n ? 2 * *n : 1, size);
	if (!rows) {
		y->no_memory = true;
		return NULL;
	}
	*(void **)array = rows;
	return memset((char *)rows + (*n)++ * size, 0, size);
}

/* ---- values ---- */

static struct fy_node *resolved(struct yaml *y, struct fy_node *node)
{
	struct fy_node *to;

	if (is_empty(node) || !fy_node_is_alias(node))
		return node;
	to = fy_node_resolve_alias(node);
	if (!to)
		yaml_error(y, node, "alias '*%s' has no anchor '&%s'", fy_node_get_scalar0(node), fy_node_get_scalar0(node));
	return to;
}

/* The value, behind its alias, where it is of the wanted type; NULL: told. */
static struct fy_node *typed(struct yaml *y, const struct yaml_key *key, struct fy_node *value, enum fy_node_type type)
{
	static const char *const names[] = {
		[FYNT_SCALAR] = "a single value", [FYNT_SEQUENCE] = "a list", [FYNT_MAPPING] = "a mapping",
	};

	value = resolved(y, value);
	if (!value)
		return NULL;
	if (is_empty(value)) {
		yaml_error(y, value, "%s: a value is missing, as %s", key->name, key->like);
		return NULL;
	}
	if (fy_node_get_type(value) == type)
		return value;
	yaml_error(y, value, "%s: %s is wanted, as %s, not %s", key->name, names[type], key->like,
		   names[fy_node_get_type(value)]);
	return NULL;
}

const char *yaml_text(struct yaml *y, const struct yaml_key *key, struct fy_node *value)
{
	const char *text;
	size_t n;

	value = typed(y, key, value, FYNT_SCALAR);
	text = value ? fy_node_get_scalar0(value) : NULL;
	if (!text)
		return NULL;
	fy_node_get_scalar(value, &n);
	if (n && n == strlen(text))
		return text;
	yaml_error(y, value, n ? "%s: a zero byte in the value" : "%s: empty; a value is missing", key->name);
	return NULL;
}

void yaml_set_text(struct yaml *y, const struct yaml_key *key, struct fy_node *value, void *object)
{
	const char *text = yaml_text(y, key, value);

	if (!text)
		return;
	if (strlen(text) < key->size)
		strcpy((char *)object + key->offset, text);
	else
		yaml_error(y, value, "%s: '%s' is longer than %zu bytes", key->name, text, key->size - 1);
}

static int find(const char *const *names, const char *text)
{
	int i;

	for (i = 0; names && names[i]; i++)
		if (!strcmp(names[i], text))
			return i;
	return -1;
}

void yaml_set_choice(struct yaml *y, const struct yaml_key *key, struct fy_node *value, void *object)
{
	const char *text = yaml_text(y, key, value);
	char list[128] = "";
	size_t n = 0;
	int i;

	if (!text)
		return;
	i = find(key->choices, text);
	if (i >= 0) {
		*(int *)((char *)object + key->offset) = i;
		return;
	}
	if (find(key->later, text) >= 0) {
		yaml_error(y, value, "%s: %s: not supported yet", key->name, text);
		return;
	}
	for (i = 0; key->choices[i] && n < sizeof(list); i++)
		if (*key->choices[i])
			n += snprintf(list + n, sizeof(list) - n, "%s%s", n ? ", " : "", key->choices[i]);
	yaml_error(y, value, "%s: '%s' is none of %s", key->name, text, list);
}

void yaml_set_map(struct yaml *y, const struct yaml_key *key, struct fy_node *value, void *object)
{
	value = typed(y, key, value, FYNT_MAPPING);
	if (value)
		yaml_map(y, value, key->below, key->name, (char *)object + key->offset);
}

void yaml_set_list(struct yaml *y, const struct yaml_key *key, struct fy_node *value, void *object)
{
	struct fy_node *item;
	void *iter = NULL;

	value = typed(y, key, value, FYNT_SEQUENCE);
	while (value && (item = fy_node_sequence_iterate(value, &iter)))
		key->item(y, key, item, object);
}

static void row(struct yaml *y, const struct yaml_key *key, struct fy_node *item, void *object)
{
	struct yaml_key one = *key;
	void *place = yaml_append(y, (char *)object + key->offset, (size_t *)((char *)object + key->count), key->size);

	if (!place)
		return;
	one.offset = 0;
	yaml_set_map(y, &one, item, place);
}

/* A section without anything in it is one whose entries are commented out. */
void yaml_set_rows(struct yaml *y, const struct yaml_key *key, struct fy_node *value, void *object)
{
	struct yaml_key rows = *key;

	rows.item = row;
	if (!is_empty(value))
		yaml_set_list(y, &rows, value, object);
}

/* ---- mappings ---- */

/* Edits (insert, delete, replace, swap neighbours) from a to b. */
static unsigned int distance(const char *a, const char *b)
{
	unsigned int d[NAME_MAX_COMPARED + 1][NAME_MAX_COMPARED + 1];
	size_t n = strlen(a), m = strlen(b), i, j;

	if (n > NAME_MAX_COMPARED || m > NAME_MAX_COMPARED)
		return NAME_MAX_COMPARED;
	for (i = 0; i <= n; i++) {
		for (j = 0; j <= m; j++) {
			unsigned int least = i && j ? d[i - 1][j - 1] + (a[i - 1] != b[j - 1]) : i + j;

			if (i && d[i - 1][j] + 1 < least)
				least = d[i - 1][j] + 1;
			if (j && d[i][j - 1] + 1 < least)
				least = d[i][j - 1] + 1;
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] && d[i - 2][j - 2] + 1 < least)
				least = d[i - 2][j - 2] + 1;
			d[i][j] = least;
		}
	}
	return d[n][m];
}

static bool known_here(const struct yaml *y, const struct yaml_key *key)
{
	return !(key->mark & ~y->marks);
}

static const struct yaml_key *find_key(const struct yaml *y, const struct yaml_key *keys, const char *name)
{
	for (; keys && keys->name; keys++)
		if (!strcmp(keys->name, name) && known_here(y, keys))
			return keys;
	return NULL;
}

static void unknown_key(struct yaml *y, struct fy_node *node, const struct yaml_key *keys, const char *what)
{
	const char *name = fy_node_get_scalar0(node), *nearest = NULL;
	unsigned int least = strlen(name) < 5 ? 2 : 3, d;
	const struct yaml_key *k;
	char list[160] = "";
	size_t n = 0;

	for (k = keys; k->name; k++) {
		if (k->unlisted)
			continue;
		if (find_key(y, k->below, name)) {
			yaml_error(y, node, "unknown key '%s' in %s: it belongs under '%s'", name, what, k->name);
			return;
		}
		d = distance(name, k->name);
		if (known_here(y, k) && d < least) {
			least = d;
			nearest = k->name;
		}
		if (known_here(y, k) && k->set && n < sizeof(list))
			n += snprintf(list + n, sizeof(list) - n, "%s%s", n ? ", " : "", k->name);
	}
	if (nearest)
		yaml_error(y, node, "unknown key '%s' in %s: did you mean '%s'?", name, what, nearest);
	else
		yaml_error(y, node, "unknown key '%s' in %s: there may be %s", name, what, list);
}

static void pair(struct yaml *y, struct fy_node_pair *pair, const struct yaml_key *keys, const char *what, void *object,
		 unsigned long long *seen)
{
	struct fy_node *name = fy_node_pair_key(pair), *value = fy_node_pair_value(pair);
	const struct yaml_key *key;

	if (is_empty(name) || !fy_node_is_scalar(name) || fy_node_is_alias(name)) {
		yaml_error(y, is_empty(name) ? value : name, "a key in %s is no name", what);
		return;
	}
	key = find_key(y, keys, fy_node_get_scalar0(name));
	if (!key) {
		unknown_key(y, name, keys, what);
	} else if (*seen & 1ULL << (key - keys)) {
		yaml_error(y, name, "%s: given twice in %s", key->name, what);
	} else if (!key->set) {
		yaml_error(y, name, "%s: not supported yet", key->name);
	} else {
		key->set(y, key, value, object);
	}
	if (key)
		*seen |= 1ULL << (key - keys);
}

void yaml_map(struct yaml *y, struct fy_node *node, const struct yaml_key *keys, const char *what, void *object)
{
	unsigned long long seen = 0;
	struct fy_node_pair *p;
	void *iter = NULL;
	size_t i;

	while ((p = fy_node_mapping_iterate(node, &iter)))
		pair(y, p, keys, what, object, &seen);
	for (i = 0; keys[i].name; i++)
		if (keys[i].required && !(seen & 1ULL << i))
			yaml_error(y, node, "%s: '%s' is missing, as %s: %s", what, keys[i].name, keys[i].name, keys[i].like);
}
