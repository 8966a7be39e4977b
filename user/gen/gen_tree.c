/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Files below a directory. The kernel refuses symbolic links in paths: they could lead anywhere.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/syscall.h>
#include "gen/gen_tree.h"
#include "lib/file.h"
#include "lib/grow.h"

bool tree_path_valid(const char *path)
{
	for (;;) {
		size_t n = strcspn(path, "/");

		if (!n || n > NAME_MAX - 16 || (n <= 2 && strspn(path, ".") >= n))
			return false;
		if (!path[n])
			return true;
		path += n + 1;
	}
}

void tree_end(int dir, struct tree_made *made, bool keep)
{
	for (size_t i = made->n; i--;) {
		if (!keep)
			unlinkat(dir, made->list[i], AT_REMOVEDIR);
		free(made->list[i]);
	}
	free(made->list);
}

/* Makes a directory and its parents, as mkdir -p does, and lists in *made the new ones. */
static int make_all(const char *directory, struct tree_made *made)
{
	char path[PATH_MAX] = "";

	if (strlen(directory) >= sizeof(path))
		return -ENAMETOOLONG;
	for (size_t n = 1; n <= strlen(directory); n++) {
		if (directory[n] && directory[n] != '/')
			continue;
		memcpy(path, directory, n);
		if (!mkdir(path, directory[n] && directory[n + 1] ? 0755 : TREE_PRIVATE))
			*append(made->list, made->n) = xstrdup(path);
		else if (errno != EEXIST)
			return -errno;
	}
	return 0;
}

int tree_open(const char *directory, struct tree_made *made, int *ret_fd)
{
	int rc = made ? make_all(directory, made) : 0;
	int fd = rc ? -1 : open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return rc ?: -errno;
	*ret_fd = fd;
	return 0;
}

/* Opens the directory of the file at path. *ret_name: the file's name in it. Returns an fd or
 * -errno. */
static int open_parent(int dir, const char *path, const char **ret_name)
{
	struct open_how how = { .flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC,
				.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS };
	const char *slash = strrchr(path, '/');
	char parent[PATH_MAX] = ".";
	int fd;

	if (!tree_path_valid(path))
		return -EINVAL;
	if (slash && (size_t)snprintf(parent, sizeof(parent), "%.*s", (int)(slash - path), path) >=
		     sizeof(parent))
		return -ENAMETOOLONG;
	*ret_name = slash ? slash + 1 : path;
	fd = syscall(SYS_openat2, dir, parent, &how, sizeof(how));
	return fd < 0 ? -errno : fd;
}

/* Makes the missing directories above path, the lowest with `mode`. Returns 0 or -errno. */
static int make_parents(int dir, const char *path, mode_t mode, struct tree_made *made)
{
	char part[PATH_MAX];
	const char *name;
	int rc = 0;

	for (const char *slash = path; !rc && (slash = strchr(slash, '/')); slash++) {
		int at;

		snprintf(part, sizeof(part), "%.*s", (int)(slash - path), path);
		at = open_parent(dir, part, &name);
		if (at < 0)
			return at;
		if (!mkdirat(at, name, strchr(slash + 1, '/') ? 0755 : mode))
			*append(made->list, made->n) = xstrdup(part);
		else if (errno != EEXIST)
			rc = -errno;
		close(at);
	}
	return rc;
}

int tree_read(int dir, const char *path, struct tree_file *ret)
{
	struct stat st = { 0 }, above = { 0 };
	const char *name;
	char *text = NULL;
	int at = open_parent(dir, path, &name), fd, rc;
	size_t n = 0;

	if (at < 0)
		return at;
	/* O_NONBLOCK: opening a FIFO must not wait for a writer */
	fd = openat(at, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	rc = fd < 0 || fstat(fd, &st) || fstat(at, &above) ? -errno :
	     !S_ISREG(st.st_mode) ? -EISDIR : file_read_fd(fd, SIZE_MAX, &text, &n);
	close(at);
	fd_close(fd);
	if (rc)
		return rc;
	*ret = (struct tree_file){ text, n, st.st_mode & 07777, above.st_mode & 07777 };
	return 0;
}

static void new_name(const char *name, char ret[NAME_MAX + 1])
{
	snprintf(ret, NAME_MAX + 1, ".%s.new", name);
}

static int write_new(int at, const char *name, const char *text, size_t n, mode_t mode)
{
	int fd, rc = 0;

	unlinkat(at, name, 0);		/* the file may be left by a run that was killed */
	fd = openat(at, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode & 0600);
	if (fd < 0)
		return -errno;
	for (ssize_t put; n && !rc; text += put, n -= put)
		if ((put = write(fd, text, n)) < 0)
			rc = -errno;
	if (!rc && fchmod(fd, mode))
		rc = -errno;
	if (close(fd) && !rc)
		rc = -errno;
	if (rc)
		unlinkat(at, name, 0);
	return rc;
}

int tree_put(int dir, const char *path, const char *text, size_t n, mode_t mode, mode_t parent,
	     struct tree_made *made)
{
	char beside[NAME_MAX + 1];
	const char *name;
	struct stat st;
	int at, rc = tree_path_valid(path) ? make_parents(dir, path, parent, made) : -EINVAL;

	at = rc ?: open_parent(dir, path, &name);
	if (at < 0)
		return at;
	new_name(name, beside);
	rc = parent == TREE_PRIVATE && !fstat(at, &st) && st.st_mode & 077 && fchmod(at, parent) ?
	     -errno : write_new(at, beside, text, n, mode);
	close(at);
	return rc;
}

int tree_settle(int dir, const char *path, bool keep)
{
	char beside[NAME_MAX + 1];
	const char *name;
	int at = open_parent(dir, path, &name), rc;

	if (at < 0)
		return at;
	new_name(name, beside);
	rc = (keep ? renameat(at, beside, at, name) : unlinkat(at, beside, 0)) ? -errno : 0;
	close(at);
	return rc;
}

static int remove_one(int dir, const char *path, int flags)
{
	const char *name;
	int at = open_parent(dir, path, &name), rc;

	if (at < 0)
		return at;
	rc = unlinkat(at, name, flags) ? -errno : 0;
	close(at);
	return rc;
}

int tree_remove(int dir, const char *path)
{
	char above[PATH_MAX], *slash;
	int rc = remove_one(dir, path, 0);

	snprintf(above, sizeof(above), "%s", path);
	while (!rc && (slash = strrchr(above, '/'))) {
		*slash = '\0';
		if (remove_one(dir, above, AT_REMOVEDIR))
			break;
	}
	return rc;
}
