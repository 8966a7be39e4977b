/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A YAML document read into structures by tables: a row says a key, what may stand there and where it goes. Every error
 * is told on standard error as FILE:LINE:COLUMN: error: text, with the source line and a caret, and counted; reading
 * goes on, so that all are told.
 */
#pragma once
#include "lib/yaml_tree.h"

enum { YAML_RUNNING = 1 };		/* a mark of rows: only a running file has them */

struct yaml {
	const char *name;		/* stands in messages */
	const char *text;		/* the source */
	size_t n;
	unsigned int errors;
	bool no_memory;
	unsigned int marks;		/* rows with another mark than these are unknown keys */
	struct yaml_tree tree;
};

struct yaml_key;
typedef void yaml_set(struct yaml *y, const struct yaml_key *key, struct yaml_node *value, void *object);

struct yaml_key {
	const char *name;		/* NULL: the end of the table */
	yaml_set *set;
	const char *like;		/* what a value, or an item of a list, looks like: for messages */
	size_t offset, size;		/* of the value in the object; of a row, in lists of mappings */
	size_t count;			/* lists: the offset of the size_t that counts */
	const struct yaml_key *below;	/* keys of a mapping, or of the mappings in a list */
	yaml_set *item;			/* for each item of a list */
	const char *const *choices;	/* up to NULL */
	bool required;
	const char *unless;		/* required: but where this key is there */
	bool unlisted;			/* not for people: messages do not propose it */
	unsigned int mark;
};

/* Handlers of rows. Text: to a char array of size. Choice: its number to an enum. Flag: which of two choices, to a bool. */
yaml_set yaml_set_text, yaml_set_choice, yaml_set_flag, yaml_set_map, yaml_set_list, yaml_set_rows;
extern const char *const yaml_flag_names[];	/* false, true */

#define YAML_FILE_LIMIT (16 << 20)	/* bytes: more is a mistake */
/* All of a file ("-": standard input), ended by a zero that does not count; -errno: told. -EFBIG: longer than a file may be. */
int yaml_read(const char *file, char **ret, size_t *ret_n);
const char *yaml_file_name(const char *file);	/* as messages call it */

/* Opens and closes; text must live as long. -EINVAL: no YAML, told. The root is NULL where nothing is written. */
int yaml_open(struct yaml *y, const char *text, size_t n, const char *name);
/* The same of JSON that others wrote: libfyaml sees only what yaml_json.h lets through. */
int yaml_open_json(struct yaml *y, const char *text, size_t n, const char *name);
void yaml_close(struct yaml *y);
struct yaml_node *yaml_root(struct yaml *y);

bool yaml_is_empty(const struct yaml_node *node);	/* nothing is written there */

/* The mapping into object; what: how messages call it. */
void yaml_map(struct yaml *y, struct yaml_node *node, const struct yaml_key *keys, const char *what, void *object);
/* The scalar's text, which lives as long as the document; NULL: told. */
const char *yaml_text(struct yaml *y, const struct yaml_key *key, struct yaml_node *value);
/* A new row of zeros at the end of an array; NULL: no memory, and noted. */
void *yaml_append(struct yaml *y, void *array, size_t *n, size_t size);
/* Tells an error at node: at its key where it is empty, at its beginning where it is a mapping or a list. */
void yaml_error(struct yaml *y, struct yaml_node *node, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* Bytes of the UTF-8 sequence at s, of n > 0 that are left; 0: none, or a character that YAML does not allow. */
size_t yaml_character(const unsigned char *s, size_t n);
