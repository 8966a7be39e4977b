/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Writes the grammar of a YAML file as JSON Schema (draft-07), from the tables that yaml_map()
 * reads. Every file that yaml_map() accepts is valid by the schema, unless a text without quotes is
 * null in YAML, or the name of a host is a number such as 0xff. cmd/ includes it.
 */
#pragma once
#include <stdio.h>
#include "lib/yaml.h"

/* Returns what a key means, in words; NULL: unknown. section: name of the key whose mapping has
 * this one; "": the root. */
typedef const char *yaml_about(const char *section, const char *key);

void yaml_write_schema(FILE *out, const struct yaml_key *keys, const char *title,
		       yaml_about *about);
