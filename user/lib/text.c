/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Streams to memory, by fopencookie(3).
 */
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
