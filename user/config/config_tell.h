/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Reports errors of a configuration with their place in the file: at() sets the place, and tell()
 * reports an error there. Files of config/ include it.
 */
#pragma once
#include <stdarg.h>
#include "config/config_check.h"

struct check {
	const struct config *c;
	config_tell *tell;
	void *data;
	unsigned int errors;
	struct config_place place;
};

static inline void __attribute__((format(printf, 3, 4)))
at(struct check *k, __be16 port, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(k->place.path, sizeof(k->place.path), format, args);
	va_end(args);
	k->place.port = port;
}

static inline void __attribute__((format(printf, 2, 3)))
tell(struct check *k, const char *format, ...)
{
	char text[1024];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	k->tell(k->data, &k->place, text);
	k->errors++;
}
