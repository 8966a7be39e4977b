/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A stream to memory, as open_memstream(3), with one difference: if memory runs out, the whole text
 * is lost and fclose() fails with ENOMEM. glibc's stream silently drops what has no room. Every
 * room includes it.
 */
#pragma once
#include <stdio.h>

/* Returns NULL with errno on failure. After fflush() and fclose() *text is the text written with a
 * zero byte behind it, or NULL. The caller frees it. */
FILE *text_open(char **text, size_t *n);
