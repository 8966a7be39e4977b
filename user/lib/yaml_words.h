/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Says in words what keeps a text from being YAML, and what to write. lib/yaml.c includes it.
 */
#pragma once
#include "lib/yaml.h"

struct yaml_fault {
	int line, column;	/* from 0, as of a node */
	size_t at;		/* the byte in the source */
	char text[256];
};

/* The parser stopped at this line and column, from 0, and said this. */
void yaml_explain(const struct yaml *y, int line, int column, const char *said,
		  struct yaml_fault *ret);

/* Returns what to type in place of the first typographic character of a text, such as a no-break
 * space, and sets *ret to what it is called; NULL: the text has none. */
const char *yaml_typographic(const char *text, const char **ret);
