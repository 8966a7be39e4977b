/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Reads whole files into memory, and replaces whole files so that a reader sees the old or the new
 * content, never a part of it.
 */
#pragma once
#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/types.h>
#include <unistd.h>

/* Reads a file into *ret, which the caller frees, and adds a NUL that *ret_n does not count.
 * Returns 0, -EFBIG if the file has more than `limit` bytes, or another -errno. */
int file_read(const char *path, size_t limit, char **ret, size_t *ret_n);
int file_read_fd(int fd, size_t limit, char **ret, size_t *ret_n);
/* Reads a file that another user may write: it does not wait for the writer of a FIFO, and returns
 * -EINVAL if the file is not a plain one. *ret_open: whether every user may read the file. */
int file_read_plain(const char *path, size_t limit, char **ret, size_t *ret_n, bool *ret_open);

/* Makes the path of a file absolute, without resolving symbolic links: they may later lead to
 * another file. Returns 0 or -errno. */
int file_absolute(const char *path, char ret[PATH_MAX]);

/* Creates PATH.new with this mode, for new contents of PATH. Returns a stream for
 * file_replace_end(), or NULL and sets errno. */
FILE *file_replace_begin(const char *path, mode_t mode);
/* Renames PATH.new to PATH after closing it. If this or a write to `out` failed, removes PATH.new,
 * and PATH stays as it was. Returns 0 or -errno. */
int file_replace_end(FILE *out, const char *path);
/* Does the same, but waits until PATH.new is on the disk: after a power cut PATH has the old or the
 * new contents. After file_replace_end() it may be empty. */
int file_replace_sync(FILE *out, const char *path);

/* Closes an fd. A negative one stands for none. */
static inline void fd_close(int fd)
{
	if (fd >= 0)
		close(fd);
}
