/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Runs other programs to their end, with texts in memory: gen/ runs wg(8) and diff(1), doctor/ runs
 * nft(8).
 */
#pragma once
#include <stddef.h>

/* Makes an unnamed file in memory with this text, at its beginning. Returns its descriptor, or
 * -errno. */
int run_text(const char *text, size_t n);
/* words ends in NULL. PATH is searched for the program. in, out: its standard input and output; -1:
 * ours. Returns its exit status, or -errno after printing an error. */
int run_program(char **words, int in, int out);
