/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Explains in words why a text is not valid YAML, and what to write instead. lib/yaml.c and
 * lib/yaml_map.c include it.
 */
#pragma once
#include "lib/yaml.h"

struct yaml_fault {
	int line, column;	/* place of the fault, counted from 0 */
	size_t at;		/* the same place as an offset in the source, in bytes */
	char text[256];
};

/* Finds the mistake that probably made libfyaml stop at this line and column, counted from 0. said:
 * libfyaml's message. */
void yaml_explain(const struct yaml *y, int line, int column, const char *said,
		  struct yaml_fault *ret);

/* Finds the first typographic character in a text, such as a no-break space. Returns what to do
 * about it and sets *ret to the character's name. Returns NULL if the text has none. */
const char *yaml_typographic(const char *text, const char **ret);
