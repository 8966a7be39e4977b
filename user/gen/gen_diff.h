/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Shows what would change in a generated file, like diff -u, without private and preshared keys.
 * gen_files.c includes it.
 */
#pragma once
#include <stddef.h>

/* Prints the difference between two texts of a file to standard output. old or new may be NULL.
 * Returns 0, or -errno after printing an error. */
int gen_diff(const char *path, const char *old, const char *new);

/* Returns a copy of the text that shows no private key; lines with "public" stay as they are. A key
 * becomes "(secret)", "(another secret)" if `other` does not have it, or "(a new key)" if it is not
 * made yet. The caller frees the copy. */
char *gen_without_secrets(const char *path, const char *text, const char *other);
