/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Reads a YAML document into C structures, driven by tables. Each row of a table (struct yaml_key)
 * gives a key's name, the function that reads its value, and where the value is stored. Each error
 * is counted and printed on standard error as FILE:LINE:COLUMN: error: text, with the source line
 * and a caret. Reading continues after an error, so that all are printed.
 */
#pragma once
#include <stddef.h>
#include <stdio.h>
#include "lib/yaml_tree.h"

struct yaml {
	const char *name;		/* name of the file, for messages */
	const char *text;		/* the whole text of the file */
	size_t n;
	unsigned int errors;
	struct yaml_tree tree;
};

struct yaml_key;
typedef void yaml_set(struct yaml *y, const struct yaml_key *key, struct yaml_node *value,
		      void *object);

struct yaml_key {
	const char *name;		/* NULL: end of the table */
	yaml_set *set;
	const char *like; /* example of a value or list item, for errors */
	/* offset: of the value in the object. size: of the value or, for a list of mappings, of a
	 * row. In bytes. */
	size_t offset, size;
	size_t count; /* for a list: offset of the size_t with its length */
	/* Table of the keys in this mapping, or in each mapping of this list. */
	const struct yaml_key *below;
	yaml_set *item;			/* for a list: reads an item */
	bool alone;		/* one item, or its mapping, may stand in place of the list */
	/* Words that the value or an item of the list may be, ended by NULL. */
	const char *const *choices;
	/* Words that may stand in place of the mapping or list, ended by NULL. */
	const char *const *words;
	/* Limits of a number, or of the number of keys in a mapping. most 0: none. */
	unsigned long least, most;
	const char *unit;		/* text behind a number, such as "s"; NULL: none */
	/* Extended regular expression that every valid text matches, for the schema. NULL:
	 * none. With `below`, an item is such a text, or a mapping with one key. */
	const char *pattern;
	bool required;
	const char *unless; /* Key that makes this required one unnecessary; NULL: none. */
	bool unlisted;			/* errors do not propose this key */
};

/* Values of yaml_key.set, which store a value in the object. _text: a string, in a char array of
 * `size`. _choice: its index in `choices`, as an enum. _flag: the same for two choices, as a bool.
 * _number: a decimal number with its unit, as an unsigned int. _map: keys of a mapping. _list:
 * items of a list. _rows: the same, but the value may be empty; without `item` they are mappings,
 * in an array that grows. */
yaml_set yaml_set_text, yaml_set_choice, yaml_set_flag, yaml_set_number, yaml_set_map,
	yaml_set_list, yaml_set_rows;
extern const char *const yaml_flag_names[];	/* choices of yaml_set_flag: "false", "true" */

#define YAML_FILE_LIMIT (16 << 20) /* longest file that is read, in bytes */
/* Reads a whole file, or standard input for "-", and adds a zero byte that *ret_n does not count.
 * Returns 0, or -errno after printing an error; -EFBIG if the file is too long. */
int yaml_read(const char *file, char **ret, size_t *ret_n);
const char *yaml_file_name(const char *file); /* returns the name for messages: "<stdin>" for "-" */

/* Parses a text, which must stay valid until yaml_close(). Returns 0, or -EINVAL after printing an
 * error if it is not YAML. The root of an empty text is NULL. */
int yaml_open(struct yaml *y, const char *text, size_t n, const char *name);
/* Does the same for JSON of another program. json_wrong() must accept it before libfyaml reads
 * it. */
int yaml_open_json(struct yaml *y, const char *text, size_t n, const char *name);
void yaml_close(struct yaml *y);
struct yaml_node *yaml_root(struct yaml *y);

/* Returns whether a value is missing in the file, as after a key without a value. */
bool yaml_is_empty(const struct yaml_node *node);

/* Reads the mapping into object by the table `keys`. Error messages call the mapping `what`. */
void yaml_map(struct yaml *y, struct yaml_node *node, const struct yaml_key *keys, const char *what,
	      void *object);
/* Returns the mapping's first key that is in `names`, a list that NULL ends; NULL: it has none of
 * them. */
struct yaml_node *yaml_first_key(struct yaml_node *map, const char *const *names);
/* Returns the text of a scalar, which is valid until yaml_close(); or NULL after printing an
 * error. */
const char *yaml_text(struct yaml *y, const struct yaml_key *key, struct yaml_node *value);
/* Prints an error that points to a node: to its key if the node is empty, else to its beginning. */
void yaml_error(struct yaml *y, struct yaml_node *node, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* Returns the length of the UTF-8 character at s, where n > 0 bytes are left. Returns 0 if it is
 * not UTF-8, or YAML forbids the character. */
size_t yaml_character(const unsigned char *s, size_t n);

/* ---- the grammar as JSON Schema (draft-07) ---- */

/* Returns what a key means, in words; NULL: unknown. section: name of the key whose mapping has
 * this one; "": the root. */
typedef const char *yaml_about(const char *section, const char *key);
/* Every file that yaml_map() accepts is valid by the schema, unless a text without quotes is null
 * in YAML, or the name of a host is a number such as 0xff. */
void yaml_write_schema(FILE *out, const struct yaml_key *keys, const char *title,
		       yaml_about *about);

/* ---- JSON of other programs ----
 * Such input is not trusted: any program on this host can put text into the ruleset that `nft -j`
 * prints. Debian 12 and 13 have a libfyaml without its memory-safety fixes of December 2025. Most
 * faults that fuzzers have found since then need text that is not UTF-8, that is YAML but not JSON,
 * or that ends in an error. */

/* Deepest nesting of objects and arrays. nft nests at most 20. */
#define JSON_DEPTH 64

/* Returns NULL if the text is acceptable JSON (RFC 8259): UTF-8 without control characters,
 * surrogates or DEL, nested at most JSON_DEPTH deep, and at most YAML_FILE_LIMIT bytes long.
 * Otherwise returns what is wrong, and sets *ret_at to the byte's offset. */
const char *json_wrong(const char *text, size_t n, size_t *ret_at);

/* ---- why a text is not valid YAML ---- */

struct yaml_fault {
	int line, column;	/* place of the fault, counted from 0 */
	size_t at;		/* the same place as an offset in the source, in bytes */
	char text[256];
};

/* Finds the mistake that probably made libfyaml stop at this line and column, counted from 0. said:
 * libfyaml's message. */
void yaml_explain(const struct yaml *y, int line, int column, const char *said,
		  struct yaml_fault *ret);

/* Finds the first typographic character in a text, such as a no-break space. Returns what to do
 * about it and sets *ret to the character's name. Returns NULL if the text has none. */
const char *yaml_typographic(const char *text, const char **ret);
