/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Writes text to memory, and escapes text for a terminal, JSON, Prometheus or a shell. Most rooms
 * include it.
 */
#pragma once
#include <stdio.h>

/* Opens a stream that writes to memory, like open_memstream(3). If memory runs out, the process
 * ends, while glibc's stream silently drops a part. So writing and fclose() always succeed. After
 * fflush() or fclose(), *text is the text with a zero byte behind it. The caller frees it. */
FILE *text_open(char **text, size_t *n);

/* These functions write text from outside so that it cannot control the terminal. (The kernel
 * allows any byte except space, '/' and ':' in an interface's name.) Control characters (C0 except
 * newline and tab, DEL, C1) and bytes that are not UTF-8 become \xHH. */
void text_print(FILE *out, const char *text);
/* Writes the same to ret, cut to `size` bytes with the NUL. */
void text_visible(char *ret, size_t size, const char *text);
/* Prints the text as a JSON string in quotation marks. The same bytes become \u00HH. */
void text_print_json(FILE *out, const char *text);
/* Prints the text as the value of a Prometheus label, without quotation marks. Escapes the same
 * bytes as text_print(). */
void text_print_label(FILE *out, const char *text);

/* Returns the name as one word for bash and zsh: unchanged, or as $'…' if it has characters that
 * are special to a shell. */
#define SHELL_WORD_LEN 72	/* room for the word of any interface's name */
#define SHELL_WORD(name) shell_word(name, (char[SHELL_WORD_LEN]){ 0 })
const char *shell_word(const char *name, char ret[SHELL_WORD_LEN]);

/* Returns the edit distance of a and b, ignoring case: characters to insert, delete, replace or
 * swap with their neighbour. If a text has more than TEXT_MAX_COMPARED, returns that number. */
#define TEXT_MAX_COMPARED 32
unsigned int text_distance(const char *a, const char *b);
