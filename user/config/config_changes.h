/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Describes in sentences how two versions of an entry of a configuration differ. config_diff.c
 * includes it.
 */
#pragma once
#include <stdio.h>

/* Compares an entry's old and new text from config_write(), which differ; "": the entry is absent.
 * Prints a sentence for each value that was added, removed or changed, or says that the order of
 * values has changed. noun: the word for an entry of its list, such as "service"; NULL: not in a
 * list. */
void changes_put(FILE *out, const char *noun, const char *old, const char *new);
