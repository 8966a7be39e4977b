/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Text in memory, and text for a terminal or a program that reads it. Every room includes it.
 */
#pragma once
#include <stdio.h>

/* Opens a stream to memory, as open_memstream(3), with one difference: if memory runs out, the
 * whole text is lost and fclose() fails with ENOMEM. glibc's stream silently drops what has no
 * room. Returns NULL with errno on failure. After fflush() and fclose() *text is the text written
 * with a zero byte behind it, or NULL. The caller frees it. */
FILE *text_open(char **text, size_t *n);

/* The kernel lets an interface's name have any bytes but a space, '/' and ':'. These write a text
 * from outside so that it does nothing to a terminal: a control character (C0 but newline and tab,
 * DEL, C1), and what is no UTF-8, becomes \xHH. */
void text_print(FILE *out, const char *text);
void text_visible(char *ret, size_t size, const char *text);	/* cut to `size`, with the zero */
/* As a string of JSON, with its quotation marks; likewise, as \u00HH */
void text_print_json(FILE *out, const char *text);
/* As a label's value of Prometheus, without the quotation marks; likewise */
void text_print_label(FILE *out, const char *text);

/* Returns the name as a word of bash and zsh: itself, or $'…' if a shell would read more in it */
#define SHELL_WORD_LEN 72		/* of an interface's name */
#define SHELL_WORD(name) shell_word(name, (char[SHELL_WORD_LEN]){ 0 })
const char *shell_word(const char *name, char ret[SHELL_WORD_LEN]);

/* Returns the number of edits (insert, delete, replace, swap neighbours) from a to b, ignoring
 * case; TEXT_MAX_COMPARED if one of them is longer than that */
#define TEXT_MAX_COMPARED 32
unsigned int text_distance(const char *a, const char *b);
