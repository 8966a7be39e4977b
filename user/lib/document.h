/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A document is a tree of named values. A command builds it once and prints it either as JSON or as
 * text for people in the style of wg(8), so that both outputs have the same content. show/,
 * daemon/, doctor/ and cmd/ include it.
 */
#pragma once
#include <linux/types.h>
#include <stdbool.h>
#include <stdio.h>

struct document;
struct node {				/* node of a document: a mapping or a list */
	struct document *document;
	void *node;
};

struct document *document_new(void);
void document_free(struct document *d);
struct node document_root(struct document *d);

struct node document_map(struct node parent, const char *key);
struct node document_list(struct node parent, const char *key);
/* Adds a mapping at the end of a list, and returns it. */
struct node document_row(struct node list);
void document_append(struct node list, const char *text);
void document_append_once(struct node list, const char *text);
/* Adds a text; NULL: adds null. */
void document_text(struct node map, const char *key, const char *text);
void document_null(struct node map, const char *key);	/* adds null, which the plain form omits */
void document_number(struct node map, const char *key, __u64 number);
/* Adds the number if it is known, else null. */
void document_number_if(struct node map, const char *key, bool known, __u64 number);
/* Adds a time in seconds since 1970; known false: adds null. The plain form shows local time and
 * age, and 0 as "never". */
void document_time(struct node map, const char *key, bool known, __u64 seconds);
/* Adds a number with three decimal places. */
void document_decimal(struct node map, const char *key, double number);

void document_print_json(const struct document *d, FILE *out);
/* Prints the document for people: each row with a name as "interface: eth0" with its values
 * indented below, rows without names in columns below a head, and each inner list in one line. */
void document_print(const struct document *d, FILE *out);
/* Returns true if the document has no list with this key, or the list is empty. */
bool document_is_empty(const struct document *d, const char *list);
