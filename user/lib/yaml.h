/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Reads a YAML document into structures by tables. A row names a key, its kind of value and the
 * place of the value. Each error is printed on standard error as FILE:LINE:COLUMN: error: text,
 * with the source line and a caret, and counted. Reading continues, so that all are printed.
 * config/, instance/, doctor/ and gen/ include it.
 */
#pragma once
#include "lib/yaml_tree.h"

enum { YAML_RUNNING = 1 };		/* mark of a row that only a running file may have */

struct yaml {
	const char *name;		/* for messages */
	const char *text;		/* the source */
	size_t n;
	unsigned int errors;
	bool no_memory;
	unsigned int marks;		/* a row with another mark is an unknown key */
	struct yaml_tree tree;
};

struct yaml_key;
typedef void yaml_set(struct yaml *y, const struct yaml_key *key, struct yaml_node *value,
		      void *object);

struct yaml_key {
	const char *name;		/* NULL: the end of the table */
	yaml_set *set;
	const char *like;	/* example of a value, or of an item of a list, for messages */
	/* of the value in the object; size: of a row in lists of mappings */
	size_t offset, size;
	size_t count;			/* lists: the offset of the size_t that counts */
	const struct yaml_key *below;	/* keys of a mapping, or of the mappings in a list */
	yaml_set *item;			/* reads an item of a list */
	const char *const *choices;	/* ended by NULL */
	bool required;
	const char *unless;		/* not required if this key is there */
	bool unlisted;			/* messages do not propose it */
	unsigned int mark;
};

/* Handlers of rows. Text: to a char array of `size`. Choice: its index to an enum. Flag: the index
 * of two choices to a bool. */
yaml_set yaml_set_text, yaml_set_choice, yaml_set_flag, yaml_set_map, yaml_set_list, yaml_set_rows;
extern const char *const yaml_flag_names[];	/* false, true */

#define YAML_FILE_LIMIT (16 << 20)	/* bytes; a longer file is a mistake */
/* Reads a whole file ("-": standard input) and adds a zero that does not count. Returns -errno
 * after printing an error; -EFBIG: the file is too long. */
int yaml_read(const char *file, char **ret, size_t *ret_n);
const char *yaml_file_name(const char *file);	/* for messages */

/* Open and close; text must outlive the document. -EINVAL: no YAML, after printing an error. The
 * root of an empty text is NULL. */
int yaml_open(struct yaml *y, const char *text, size_t n, const char *name);
/* The same for JSON from other programs: libfyaml sees only what json_wrong() accepts. */
int yaml_open_json(struct yaml *y, const char *text, size_t n, const char *name);
void yaml_close(struct yaml *y);
struct yaml_node *yaml_root(struct yaml *y);

bool yaml_is_empty(const struct yaml_node *node);	/* the file has no value there */

/* Reads the mapping into object. Messages call it `what`. */
void yaml_map(struct yaml *y, struct yaml_node *node, const struct yaml_key *keys, const char *what,
	      void *object);
/* Returns the first key that is one of these names, which NULL ends; NULL: none is. */
struct yaml_node *yaml_first_key(struct yaml_node *map, const char *const *names);
/* Returns the scalar's text, which lives as long as the document; NULL: an error was printed. */
const char *yaml_text(struct yaml *y, const struct yaml_key *key, struct yaml_node *value);
/* Adds a row of zeros at the end of an array; NULL: no memory, and y->no_memory is set. */
void *yaml_append(struct yaml *y, void *array, size_t *n, size_t size);
/* Prints an error at node: at its key if it is empty, at its beginning if it is a mapping or a
 * list. */
void yaml_error(struct yaml *y, struct yaml_node *node, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* Prints that a text is no number from `least` to `most`. */
void yaml_error_number(struct yaml *y, struct yaml_node *value, const struct yaml_key *key,
		       const char *text, unsigned long least, unsigned long most);
/* Returns the length of the UTF-8 sequence at s, with n > 0 bytes left; 0: it is none, or YAML
 * forbids the character. */
size_t yaml_character(const unsigned char *s, size_t n);
