/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What would change in a generated file, for people: as diff -u says it, without private and preshared keys.
 */
#pragma once
#include <stddef.h>

/* Prints it on standard output; old or new is NULL where there is none. -errno: told. */
int gen_diff(const char *path, const char *old, const char *new);

/* The text without its secrets: each key in it that no line says to be public is "(secret)", or "(another secret)" where `other` has it
 * not; one that is yet to be made is "(a new key)". To be freed; NULL: no memory. */
char *gen_without_secrets(const char *path, const char *text, const char *other);
