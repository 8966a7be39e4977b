/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Streams to memory, by fopencookie(3), and control characters made visible.
 */
#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include "lib/text.h"

struct text {
	char **text;
	size_t *n, room;
	bool failed;
};

static bool has_room(struct text *t, size_t more)
{
	size_t room = t->room ?: 512;
	char *larger;

	while (room <= *t->n + more)
		room *= 2;
	if (t->failed || room == t->room)
		return !t->failed;
	larger = realloc(*t->text, room);
	if (!larger) {
		free(*t->text);
		*t->text = NULL;
		*t->n = 0;
		t->failed = true;
		errno = ENOMEM;
		return false;
	}
	*t->text = larger;
	t->room = room;
	return true;
}

static ssize_t write_text(void *cookie, const char *from, size_t n)
{
	struct text *t = cookie;

	if (!has_room(t, n))
		return 0;
	memcpy(*t->text + *t->n, from, n);
	*t->n += n;
	(*t->text)[*t->n] = '\0';
	return n;
}

static int close_text(void *cookie)
{
	struct text *t = cookie;
	bool whole = !t->failed;

	free(t);
	if (!whole)
		errno = ENOMEM;
	return whole ? 0 : -1;
}

FILE *text_open(char **text, size_t *n)
{
	struct text *t = malloc(sizeof(*t));
	FILE *out;

	*text = NULL;
	*n = 0;
	if (!t)
		return NULL;
	*t = (struct text){ .text = text, .n = n };
	out = has_room(t, 0) ? fopencookie(t, "w", (cookie_io_functions_t){
		.write = write_text, .close = close_text }) : NULL;
	if (out) {
		**text = '\0';
		return out;
	}
	free(*text);
	*text = NULL;
	free(t);
	return NULL;
}

/* ---- for terminals and programs ---- */

/* Returns how many bytes may be written as they are, beginning with text: 0 if the next one does
 * something to a terminal, or is no UTF-8 (RFC 3629) */
static size_t visible(const char *text)
{
	const unsigned char *c = (const unsigned char *)text;
	size_t n = *c < 0xc2 ? 0 : *c < 0xe0 ? 2 : *c < 0xf0 ? 3 : *c < 0xf5 ? 4 : 0;

	if (*c < 0x80)
		return (*c >= ' ' && *c != 0x7f) || *c == '\n' || *c == '\t';
	for (size_t i = 1; i < n; i++)
		if (c[i] >> 6 != 2)
			return 0;
	return *c == 0xc2 && c[1] < 0xa0 ? 0 : n;
}

void text_print(FILE *out, const char *text)
{
	for (size_t n; *text; text += n ?: 1) {
		n = visible(text);
		if (n)
			fwrite(text, 1, n, out);
		else
			fprintf(out, "\\x%02x", (unsigned char)*text);
	}
}

void text_visible(char *ret, size_t size, const char *text)
{
	size_t at = 0;

	for (size_t n; *text && at + 4 < size; text += n ?: 1) {
		n = visible(text);
		if (n)
			memcpy(ret + at, text, n);
		else
			snprintf(ret + at, size - at, "\\x%02x", (unsigned char)*text);
		at += n ?: 4;
	}
	ret[at] = '\0';
}

void text_print_json(FILE *out, const char *text)
{
	static const char plain[] = "\"\\\b\f\n\r\t", escaped[] = "\"\\bfnrt";

	fputc('"', out);
	for (size_t n; *text; text += n ?: 1) {
		const char *at = strchr(plain, *text);

		n = at ? 1 : visible(text);
		if (at)
			fprintf(out, "\\%c", escaped[at - plain]);
		else if (n)
			fwrite(text, 1, n, out);
		else
			fprintf(out, "\\u%04X", (unsigned char)*text);
	}
	fputc('"', out);
}

void text_print_label(FILE *out, const char *text)
{
	const char *c = text;

	while (*c >= ' ' && *c < 0x7f && *c != '"' && *c != '\\')
		c++;
	fwrite(text, 1, c - text, out);
	for (size_t n; *c; c += n ?: 1) {
		n = *c == '\t' ? 0 : visible(c);
		if (*c == '"' || *c == '\\' || *c == '\n')
			fprintf(out, "\\%c", *c == '\n' ? 'n' : *c);
		else if (n)
			fwrite(c, 1, n, out);
		else
			fprintf(out, "\\\\x%02x", (unsigned char)*c);
	}
}

const char *shell_word(const char *name, char ret[SHELL_WORD_LEN])
{
	size_t at = 2;

	if (*name && *name != '-' &&
	    !name[strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
			       "0123456789_.@%+=,/-")])
		return name;
	strcpy(ret, "$'");
	for (const char *c = name; *c && at + 6 < SHELL_WORD_LEN; c++)
		at += sprintf(ret + at, isascii(*c) && isalnum(*c) ? "%c" : "\\x%02x",
			      (unsigned char)*c);
	strcpy(ret + at, "'");
	return ret;
}
