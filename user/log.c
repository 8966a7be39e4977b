/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What is said to the person at the terminal: one line a call, written at once, so that the lines of two commands that
 * run side by side do not mix.
 */
#include <stdio.h>
#include "log.h"

static void say(const char *level, const char *format, va_list args)
{
	char text[2048];

	vsnprintf(text, sizeof(text), format, args);
	fprintf(stderr, "wgxdp: %s: %s\n", level, text);
}

void log_error(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	say("error", format, args);
	va_end(args);
}

void log_warning(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	say("warning", format, args);
	va_end(args);
}
