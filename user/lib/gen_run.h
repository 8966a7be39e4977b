/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Programs of others that `gen` runs to their end, with texts that lie in memory: wg(8), diff(1).
 */
#pragma once
#include <stddef.h>

/* A nameless file in memory with this text, from its beginning: its descriptor, or -errno */
int run_text(const char *text, size_t n);
/* words end in NULL, the program is searched for in PATH; in, out: its standard input and output, -1: ours. Its exit status, or -errno,
 * told */
int run_program(char **words, int in, int out);
