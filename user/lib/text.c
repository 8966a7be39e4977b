/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Implements text.h: memory streams with fopencookie(3), and the escaping of control characters.
 */
#include <ctype.h>
#include <stdbool.h>
#include <string.h>
#include "lib/memory.h"
#include "lib/text.h"

struct text {
	char **text;
	size_t *n, room;
};

static ssize_t write_text(void *cookie, const char *from, size_t n)
{
	struct text *t = cookie;

	if (t->room <= *t->n + n) {
		while (t->room <= *t->n + n)
			t->room *= 2;
		*t->text = xreallocarray(*t->text, t->room, 1);
	}
	memcpy(*t->text + *t->n, from, n);
	*t->n += n;
	(*t->text)[*t->n] = '\0';
	return n;
}

static int close_text(void *cookie)
{
	free(cookie);
	return 0;
}

FILE *text_open(char **text, size_t *n)
{
	struct text *t = xmalloc(sizeof(*t));

	*t = (struct text){ .text = text, .n = n, .room = 512 };
	*text = xcalloc(1, t->room);
	*n = 0;
	return memory_there(fopencookie(t, "w", (cookie_io_functions_t){
		.write = write_text, .close = close_text }));
}

/* ---- for terminals and programs ---- */

#define PIECE_LEN 8			/* bytes of a character, or of an escaped byte */

/* Returns the length of the first character of the text if it can be written unchanged. Returns 0
 * if it is a control character or not UTF-8 (RFC 3629). */
static size_t visible_length(const char *text)
{
	const unsigned char *c = (const unsigned char *)text;
	size_t n = *c < 0xc2 ? 0 : *c < 0xe0 ? 2 : *c < 0xf0 ? 3 : *c < 0xf5 ? 4 : 0;

	if (*c < 0x80)
		return *c >= ' ' && *c != 0x7f;
	for (size_t i = 1; i < n; i++)
		if (c[i] >> 6 != 2)
			return 0;
	return *c == 0xc2 && c[1] < 0xa0 ? 0 : n;
}

/* Writes the next character of the text to ret: as it is, or its first byte escaped by `format`.
 * lines: newline and tab stay as they are too. Returns how many bytes of the text this was. */
static size_t next_piece(const char *text, const char *format, bool lines, char ret[PIECE_LEN])
{
	size_t n = lines && (*text == '\n' || *text == '\t') ? 1 : visible_length(text);

	if (n)
		snprintf(ret, PIECE_LEN, "%.*s", (int)n, text);
	else
		snprintf(ret, PIECE_LEN, format, (unsigned char)*text);
	return n ?: 1;
}

void text_print(FILE *out, const char *text)
{
	char piece[PIECE_LEN];

	while (*text) {
		text += next_piece(text, "\\x%02x", true, piece);
		fputs(piece, out);
	}
}

void text_visible(char *ret, size_t size, const char *text)
{
	char piece[PIECE_LEN];
	size_t at = 0;

	while (*text && at + 4 < size) {	/* no piece is longer than four bytes */
		text += next_piece(text, "\\x%02x", true, piece);
		at += strlen(strcpy(ret + at, piece));
	}
	ret[at] = '\0';
}

/* Prints the text. A character of `special` becomes a backslash and the character of `escaped` at
 * the same index; other control characters are escaped by `format`. */
static void print_escaped(FILE *out, const char *text, const char *special, const char *escaped,
			  const char *format)
{
	char piece[PIECE_LEN];

	while (*text) {
		const char *at = strchr(special, *text);

		if (at) {
			fprintf(out, "\\%c", escaped[at - special]);
			text++;
			continue;
		}
		text += next_piece(text, format, false, piece);
		fputs(piece, out);
	}
}

void text_print_json(FILE *out, const char *text)
{
	fputc('"', out);
	print_escaped(out, text, "\"\\\b\f\n\r\t", "\"\\bfnrt", "\\u%04X");
	fputc('"', out);
}

void text_print_label(FILE *out, const char *text)
{
	/* Print what needs no escapes, mostly the whole text, with a single call. */
	size_t plain = 0;

	while (text[plain] >= ' ' && text[plain] < 0x7f && !strchr("\"\\", text[plain]))
		plain++;
	fwrite(text, 1, plain, out);
	print_escaped(out, text + plain, "\"\\\n", "\"\\n", "\\\\x%02x");
}

const char *shell_word(const char *name, char ret[SHELL_WORD_LEN])
{
	size_t at = 2;

	if (*name && *name != '-' &&
	    !name[strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.@%+=,/-")])
		return name;
	strcpy(ret, "$'");
	for (const char *c = name; *c && at + 6 < SHELL_WORD_LEN; c++)
		at += sprintf(ret + at, isascii(*c) && isalnum(*c) ? "%c" : "\\x%02x",
			      (unsigned char)*c);
	strcpy(ret + at, "'");
	return ret;
}

unsigned int text_distance(const char *a, const char *b)
{
	unsigned int d[TEXT_MAX_COMPARED + 1][TEXT_MAX_COMPARED + 1], least;
	size_t n = strlen(a), m = strlen(b), i, j;

	if (n > TEXT_MAX_COMPARED || m > TEXT_MAX_COMPARED)
		return TEXT_MAX_COMPARED;
	for (i = 0; i <= n; i++) {
		for (j = 0; j <= m; j++) {
			least = i && j ? d[i - 1][j - 1] + (tolower((unsigned char)a[i - 1]) !=
							    tolower((unsigned char)b[j - 1]))
				       : i + j;
			if (i && d[i - 1][j] + 1 < least)
				least = d[i - 1][j] + 1;
			if (j && d[i][j - 1] + 1 < least)
				least = d[i][j - 1] + 1;
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
			    d[i - 2][j - 2] + 1 < least)
				least = d[i - 2][j - 2] + 1;
			d[i][j] = least;
		}
	}
	return d[n][m];
}
