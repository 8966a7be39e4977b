/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What is said to the person at the terminal: one line a call, written at once, so that the lines of two commands that
 * run side by side do not mix.
 */
#include <stdbool.h>
#include <stdio.h>
#include "lib/grow.h"
#include "lib/log.h"

struct texts {
	char **list;
	size_t n;
};

static struct texts before, now;	/* said in the last round, and in this one */
static bool in_rounds, no_info;

static bool has(const struct texts *t, const char *text)
{
	for (size_t i = 0; i < t->n; i++)
		if (!strcmp(t->list[i], text))
			return true;
	return false;
}

static bool said_already(const char *text)
{
	bool again = has(&now, text) || has(&before, text);
	char **place;

	if (has(&now, text))
		return true;
	place = append(now.list, now.n);
	if (place && !(*place = strdup(text)))
		now.n--;
	return again;
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

static void say(FILE *out, const char *level, bool always, const char *format, va_list args)
{
	char text[2048];

	vsnprintf(text, sizeof(text), format, args);
	if (!always && in_rounds && said_already(text))
		return;
	fprintf(out, "%s%s\n", level, text);
	fflush(out);
}

void log_error(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	say(stderr, "wgxdp: error: ", false, format, args);
	va_end(args);
}

void log_warning(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	say(stderr, "wgxdp: warning: ", false, format, args);
	va_end(args);
}

void log_info(const char *format, ...)
{
	va_list args;

	if (no_info)
		return;
	va_start(args, format);
	say(stdout, "", false, format, args);
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
	say(stdout, "", true, format, args);
	va_end(args);
}
