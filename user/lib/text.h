/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A stream that writes to memory, as open_memstream(3), but for this: where there was no memory for some of it, all of it is lost and
 * fclose() fails with ENOMEM. glibc's leaves out what it had no room for, and tells nobody.
 */
#pragma once
#include <stdio.h>

/* NULL: errno. After fflush() and fclose() *text is what was written, with a zero byte behind it, or NULL; who closes frees it. */
FILE *text_open(char **text, size_t *n);
