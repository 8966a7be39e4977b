/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Reads a YAML document into C structures, driven by tables. Each row of a table (struct yaml_key)
 * gives a key's name, the function that reads its value, and where the value is stored. Each error
 * is counted and printed on standard error as FILE:LINE:COLUMN: error: text, with the source line
 * and a caret. Reading continues after an error, so that all are printed. config/, instance/,
 * doctor/ and gen/ include it.
 */
#pragma once
#include "lib/yaml_tree.h"

enum { YAML_RUNNING = 1 };		/* mark of a key that only running.yaml may have */

struct yaml {
	const char *name;		/* name of the file, for messages */
	const char *text;		/* source text of the file */
	size_t n;
	unsigned int errors;
	bool no_memory;
	/* Marks that this file allows: a key with another mark counts as unknown. */
	unsigned int marks;
	struct yaml_tree tree;
};

struct yaml_key;
typedef void yaml_set(struct yaml *y, const struct yaml_key *key, struct yaml_node *value,
		      void *object);

struct yaml_key {
	const char *name;		/* name of the key; NULL: the end of the table */
	yaml_set *set;
	const char *like; /* example of a value, or of an item of a list, for error messages */
	/* offset: place of the value in the object. size: of the value, or of one row for a list of
	 * mappings. Both are in bytes. */
	size_t offset, size;
	size_t count; /* for a list: offset in the object of the size_t with the number of items */
	/* Keys of this mapping, or of the mappings in this list. */
	const struct yaml_key *below;
	yaml_set *item;			/* for a list: function that reads one item */
	const char *const *choices;	/* names that the value may be; NULL ends them */
	bool required;
	/* Other key of the mapping with which this key is not required; NULL: none. */
	const char *unless;
	bool unlisted;			/* error messages do not suggest this key */
	unsigned int mark;
};

/* Functions for yaml_key.set. They store a value in the object. _text stores a string in a char
 * array of `size`. _choice stores the index in `choices` in an enum, and _flag the index in two
 * choices in a bool. _map reads the keys of a mapping, and _list the items of a list. _rows adds
 * the mappings of a list to an array that grows. */
yaml_set yaml_set_text, yaml_set_choice, yaml_set_flag, yaml_set_map, yaml_set_list, yaml_set_rows;
extern const char *const yaml_flag_names[];	/* the choices of _flag: "false", "true" */

#define YAML_FILE_LIMIT (16 << 20) /* largest size of a file in bytes; a larger file is refused */
/* Reads a whole file, or standard input for "-", and adds a zero byte that *ret_n does not count.
 * Returns 0, or -errno after printing an error; -EFBIG if the file is too long. */
int yaml_read(const char *file, char **ret, size_t *ret_n);
const char *yaml_file_name(const char *file); /* returns the name for messages: "<stdin>" for "-" */

/* Parses a text, which must stay valid until yaml_close(). Returns 0, -EINVAL after printing an
 * error if it is not YAML, or -ENOMEM. The root of an empty text is NULL. */
int yaml_open(struct yaml *y, const char *text, size_t n, const char *name);
/* Parses JSON that another program wrote. libfyaml reads it only if json_wrong() accepts it. */
int yaml_open_json(struct yaml *y, const char *text, size_t n, const char *name);
void yaml_close(struct yaml *y);
struct yaml_node *yaml_root(struct yaml *y);

/* Returns whether the file has no value at this place. */
bool yaml_is_empty(const struct yaml_node *node);

/* Reads the mapping into object by the table `keys`. Error messages call the mapping `what`. */
void yaml_map(struct yaml *y, struct yaml_node *node, const struct yaml_key *keys, const char *what,
	      void *object);
/* Returns the first key of the mapping that is in `names`, a list that ends with NULL. Returns NULL
 * if none is. */
struct yaml_node *yaml_first_key(struct yaml_node *map, const char *const *names);
/* Returns the text of a scalar, which is valid until yaml_close(); or NULL after printing an
 * error. */
const char *yaml_text(struct yaml *y, const struct yaml_key *key, struct yaml_node *value);
/* Adds a row of zeros at the end of an array and returns it. Returns NULL and sets y->no_memory if
 * there is no memory. */
void *yaml_append(struct yaml *y, void *array, size_t *n, size_t size);
/* Prints an error with the place of this node: of its key if the node is empty, of its beginning if
 * it is a mapping or a list. */
void yaml_error(struct yaml *y, struct yaml_node *node, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* Prints the error that a text is not a number from `least` to `most`. */
void yaml_error_number(struct yaml *y, struct yaml_node *value, const struct yaml_key *key,
		       const char *text, unsigned long least, unsigned long most);
/* Returns the length of the UTF-8 character at s, where n > 0 bytes are left. Returns 0 if it is
 * not UTF-8, or YAML forbids the character. */
size_t yaml_character(const unsigned char *s, size_t n);
