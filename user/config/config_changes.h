/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Describes in sentences how two versions of an entry of a configuration differ. config_diff.c
 * includes it.
 */
#pragma once
#include <stdbool.h>
#include <stdio.h>

/* Compares an entry's old and new text from config_write(); "": the entry is absent. Prints a
 * sentence for each value that was added, removed or changed. noun: the word for an entry of its
 * list, such as "service"; NULL: not in a list. Returns whether anything differs. */
bool changes_put(FILE *out, const char *noun, const char *old, const char *new);
