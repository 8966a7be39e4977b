/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Files as a whole: read to memory, or replaced so that a reader sees the old or the new one, never
 * a part. Every room includes it.
 */
#pragma once
#include <stddef.h>
#include <stdio.h>
#include <sys/types.h>

/* Reads the rest of a file and adds a zero that does not count. Returns 0; -EFBIG: it has more than
 * `limit` bytes; or another -errno. The caller frees *ret. */
int file_read(const char *path, size_t limit, char **ret, size_t *ret_n);
int file_read_fd(int fd, size_t limit, char **ret, size_t *ret_n);

/* Opens a new file beside `path`, readable as `mode` permits. NULL: errno. */
FILE *file_replace_begin(const char *path, mode_t mode);
/* Closes the new file and renames it to `path`. Returns 0 or -errno; after an error, also one while
 * `out` was written, `path` is as it was and the new file is gone. */
int file_replace_end(FILE *out, const char *path);
