/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The parts of read.h that all readers use: the walk through lines, and what could not be used.
 */
#include <stdarg.h>
#include <string.h>
#include "import/read.h"
#include "lib/grow.h"

#define BLANKS " \t\r"

void import_lose(struct import_lost *lost, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	*append(lost->list, lost->n) = xvasprintf(format, args);
	va_end(args);
}

/* Removes the blanks at the end. Returns the length. */
static size_t trim(char *text)
{
	size_t n = strlen(text);

	while (n && strchr(BLANKS, text[n - 1]))
		n--;
	text[n] = '\0';
	return n;
}

char *import_next_line(struct import_lines *l)
{
	char *line, *more;
	size_t n;

	free(l->origin);
	l->origin = NULL;
	do {
		line = strsep(&l->rest, "\n");
		if (!line)
			return NULL;
		l->number = ++l->next;
		line += strspn(line, BLANKS);
		n = trim(line);
		while (l->script && n && line[n - 1] == '\\' && *line != '#' && l->rest) {
			more = strsep(&l->rest, "\n");
			l->next++;
			line[n - 1] = ' ';
			memmove(line + n, more, strlen(more) + 1);
			n += trim(line + n);
		}
	} while (!n);
	l->origin = xasprintf("%s:%u", l->text->name, l->number);
	return line;
}
