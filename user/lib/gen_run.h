/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Runs another program and waits for its end, with input and output in memory. gen/ runs wg(8) and
 * diff(1) with it, import/ wgxdp itself and the programs that load rules.
 */
#pragma once
#include <stddef.h>

/* Makes an unnamed file in memory that contains this text, ready to be read from its beginning.
 * Returns its descriptor. If there is no memory, ends the process as xmalloc() does. */
int run_text(const char *text, size_t n);
/* Runs the program words[0], found through $PATH, with the arguments words[1…], which end with
 * NULL. in, out, err: its standard input, output and error, or -1 for those of this process.
 * Returns its exit status, or -errno after printing an error. */
int run_program(char **words, int in, int out, int err);
