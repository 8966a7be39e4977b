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

/* Returns the text with each key on a line without "public" replaced: by "(secret)", by "(another
 * secret)" if `other` does not have it, or by "(a new key)" if the key is not made yet. The caller
 * frees the result. Returns NULL if there is no memory. */
char *gen_without_secrets(const char *path, const char *text, const char *other);
