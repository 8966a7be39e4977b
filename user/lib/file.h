/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Reads whole files into memory, and replaces whole files so that a reader sees the old or the new
 * content, never a part of it. Most rooms include it.
 */
#pragma once
#include <stddef.h>
#include <stdio.h>
#include <sys/types.h>

/* Reads a file from its current position to its end, and adds a zero byte that *ret_n does not
 * count. Returns 0, -EFBIG if the file has more than `limit` bytes, or another -errno. The caller
 * frees *ret. */
int file_read(const char *path, size_t limit, char **ret, size_t *ret_n);
int file_read_fd(int fd, size_t limit, char **ret, size_t *ret_n);

/* Creates the file PATH.new with this mode, to be written and then passed to file_replace_end().
 * Returns NULL and sets errno on failure. */
FILE *file_replace_begin(const char *path, mode_t mode);
/* Closes the new file and renames it to `path`. Returns 0 or -errno. If this or an earlier write to
 * `out` failed, `path` is unchanged and the new file is removed. */
int file_replace_end(FILE *out, const char *path);
