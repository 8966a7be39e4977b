/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include "lib/file.h"
#include "lib/memory.h"

int file_read_fd(int fd, size_t limit, char **ret, size_t *ret_n)
{
	struct stat st;
	/* Two bytes more than the file: the NUL, and a byte for read() to find the end of the file
	 * without a larger buffer. */
	size_t n = 0, room = !fstat(fd, &st) && st.st_size > 0 && (size_t)st.st_size <= limit ?
			     st.st_size + 2 : 8192;
	char *text = xmalloc(room);
	ssize_t got = 1;
	int rc = 0;

	while (!rc && got) {
		if (n + 1 == room) {
			room *= 2;
			text = xreallocarray(text, room, 1);
		}
		got = read(fd, text + n, room - n - 1);
		n += got > 0 ? got : 0;
		rc = got < 0 ? -errno : n > limit ? -EFBIG : 0;
	}
	if (rc) {
		explicit_bzero(text, n);	/* the file may contain a secret */
		free(text);
		return rc;
	}
	text[n] = '\0';
	*ret = text;
	*ret_n = n;
	return 0;
}

int file_read(const char *path, size_t limit, char **ret, size_t *ret_n)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), rc = fd < 0 ? -errno : 0;

	if (rc)
		return rc;
	rc = file_read_fd(fd, limit, ret, ret_n);
	close(fd);
	return rc;
}

int file_read_plain(const char *path, size_t limit, char **ret, size_t *ret_n, bool *ret_open)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), rc;
	struct stat st;

	rc = fd < 0 || fstat(fd, &st) ? -errno : !S_ISREG(st.st_mode) ? -EINVAL : 0;
	rc = rc ?: file_read_fd(fd, limit, ret, ret_n);
	if (!rc)
		*ret_open = st.st_mode & S_IROTH;
	fd_close(fd);
	return rc;
}

int file_absolute(const char *path, char ret[PATH_MAX])
{
	char here[PATH_MAX] = "";

	if (*path != '/' && !getcwd(here, sizeof(here)))
		return -errno;
	while (*path == '.' && path[1] == '/')
		path += 2 + strspn(path + 2, "/");
	return snprintf(ret, PATH_MAX, "%s%s%s", here, *here && here[1] ? "/" : "", path) <
	       PATH_MAX ? 0 : -ENAMETOOLONG;
}

static void new_path(const char *path, char ret[PATH_MAX])
{
	snprintf(ret, PATH_MAX, "%s.new", path);
}

FILE *file_replace_begin(const char *path, mode_t mode)
{
	char beside[PATH_MAX];
	FILE *out;
	int fd;

	new_path(path, beside);
	fd = open(beside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
	out = fd < 0 ? NULL : fdopen(fd, "w");
	if (!out && fd >= 0)
		close(fd);
	return out;
}

static int replace_end(FILE *out, const char *path, bool sync)
{
	int rc = ferror(out) ? -EIO : fflush(out) || (sync && fsync(fileno(out))) ? -errno : 0;
	char beside[PATH_MAX];

	new_path(path, beside);
	if (fclose(out) && !rc)	/* NFS reports some write errors only now */
		rc = -errno;
	if (!rc && rename(beside, path))
		rc = -errno;
	if (rc)
		unlink(beside);
	return rc;
}

int file_replace_end(FILE *out, const char *path)
{
	return replace_end(out, path, false);
}

int file_replace_sync(FILE *out, const char *path)
{
	return replace_end(out, path, true);
}
