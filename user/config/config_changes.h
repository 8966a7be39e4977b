/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Sentences about what differs between two versions of an entry of a configuration. config_diff.c
 * includes it.
 */
#pragma once
#include <stdbool.h>
#include <stdio.h>

/* Compares an entry as config_write() writes it ("": absent), and prints a sentence for each value
 * that came, went or changed. noun: of a list's entries, as "service"; NULL: it is in no list.
 * Returns whether there is any. */
bool changes_put(FILE *out, const char *noun, const char *old, const char *new);
