/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Implements log.h. Each call writes its line with one write(2), so that lines of two processes do
 * not mix.
 */
#include <stdbool.h>
#include <stdio.h>
#include "lib/grow.h"
#include "lib/log.h"
#include "lib/text.h"

struct texts {
	char **list;
	size_t n;
};

static struct texts before, now;	/* texts printed in the previous round, and in this round */
static bool in_rounds, again, no_info, no_waiting, waited;

/* Whether a repeated text is printed: always, only in a later round, or never. */
enum repeat { REPEAT_ALWAYS, REPEAT_LATER, REPEAT_NEVER };

static bool has_text(const struct texts *t, const char *text)
{
	for (size_t i = 0; i < t->n; i++)
		if (!strcmp(t->list[i], text))
			return true;
	return false;
}

void log_again(bool on)
{
	again = on;
}

static bool printed_already(const char *text)
{
	bool printed = has_text(&now, text) || has_text(&before, text);
	char **place;

	if (has_text(&now, text))
		return true;
	place = append(now.list, now.n);
	if (place && !(*place = strdup(text)))
		now.n--;
	return printed;
}

void log_round(void)
{
	in_rounds = true;
	for (size_t i = 0; i < before.n; i++)
		free(before.list[i]);
	free(before.list);
	before = now;
	now = (struct texts){ 0 };
}

static void print_line(FILE *out, const char *level, enum repeat repeat, const char *format,
		       va_list args)
{
	char text[2048], line[sizeof(text) + 512];

	vsnprintf(text, sizeof(text), format, args);
	if ((repeat == REPEAT_NEVER || (repeat == REPEAT_LATER && in_rounds)) &&
	    printed_already(text) && !again)
		return;
	text_visible(line, sizeof(line), text);
	fprintf(out, "%s%s\n", level, line);
	fflush(out);
}

void log_error(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	print_line(stderr, "wgxdp: error: ", REPEAT_LATER, format, args);
	va_end(args);
}

void log_error_at(const char *file, int line, int column, const char *format, ...)
{
	char level[4096 + 64] = "wgxdp: error: ";
	va_list args;

	if (file && line)
		snprintf(level, sizeof(level), "%s:%d:%d: error: ", file, line, column);
	va_start(args, format);
	print_line(stderr, level, REPEAT_LATER, format, args);
	va_end(args);
}

void log_warning(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	print_line(stderr, "wgxdp: warning: ", REPEAT_LATER, format, args);
	va_end(args);
}

void log_waiting(const char *format, ...)
{
	va_list args;

	if (no_waiting)
		return;
	waited = true;
	va_start(args, format);
	print_line(stderr, "wgxdp: warning: ", REPEAT_NEVER, format, args);
	va_end(args);
}

bool log_waited(void)
{
	return waited;
}

void log_no_waiting(void)
{
	no_waiting = true;
}

void log_info(const char *format, ...)
{
	va_list args;

	if (no_info)
		return;
	va_start(args, format);
	print_line(stdout, "", REPEAT_LATER, format, args);
	va_end(args);
}

void log_no_info(void)
{
	no_info = true;
}

void log_event(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	print_line(stdout, "", REPEAT_ALWAYS, format, args);
	va_end(args);
}
