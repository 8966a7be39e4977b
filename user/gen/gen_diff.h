/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Shows what would change in a generated file, like diff -u, without private and preshared keys.
 * For gen_files.c.
 */
#pragma once
#include <stddef.h>

/* Prints to standard output; old or new may be NULL. Returns -errno after a message. */
int gen_diff(const char *path, const char *old, const char *new);

/* Replaces each key on a line without "public": "(secret)", "(another secret)" if `other` lacks it,
 * "(a new key)" if it is not made yet. Free the result; NULL: no memory. */
char *gen_without_secrets(const char *path, const char *text, const char *other);
