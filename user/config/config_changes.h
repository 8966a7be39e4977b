/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Describes in sentences how two versions of an entry of a configuration differ. config_diff.c
 * includes it.
 */
#pragma once
#include <stdbool.h>
#include <stdio.h>

/* Compares two texts of an entry as config_write() writes it, "" if it is absent. Prints a sentence
 * for each value that was added, removed or changed. noun: what an entry of its list is called,
 * such as "service", or NULL if it is not in a list. Returns whether there is any difference. */
bool changes_put(FILE *out, const char *noun, const char *old, const char *new);
