/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A document of named values, built once and printed as JSON or in the manner of wg(8), so that
 * both say the same. If memory runs out while a document is built, printing prints nothing and
 * returns -ENOMEM. show/, daemon/, doctor/ and cmd/ include it.
 */
#pragma once
#include <linux/types.h>
#include <stdbool.h>
#include <stdio.h>

struct document;
struct node {				/* a mapping or a list in a document */
	struct document *document;
	void *node;
};

struct document *document_new(void);
void document_free(struct document *d);
struct node document_root(struct document *d);

struct node document_map(struct node parent, const char *key);
struct node document_list(struct node parent, const char *key);
struct node document_row(struct node list);		/* a new mapping at the end of a list */
void document_append(struct node list, const char *text);
void document_append_once(struct node list, const char *text);
void document_text(struct node map, const char *key, const char *text);	/* NULL: document_null() */
void document_null(struct node map, const char *key);	/* the plain form omits it */
void document_number(struct node map, const char *key, __u64 number);
/* known false: document_null() */
void document_number_if(struct node map, const char *key, bool known, __u64 number);
/* Seconds since 1970. The plain form shows local time and age, and 0 as never. */
void document_time(struct node map, const char *key, bool known, __u64 seconds);
void document_decimal(struct node map, const char *key, double number);	/* three decimal places */

int document_print_json(const struct document *d, FILE *out);
/* "interface: eth0" with its values indented below; lists in one line; rows without a name one per
 * line. */
int document_print(const struct document *d, FILE *out);
/* Whether a list of the document has no item, or is not there */
bool document_is_empty(const struct document *d, const char *list);
