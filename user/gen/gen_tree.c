/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Files below a directory. Each part of a path is opened by itself: a link in the middle could lead
 * anywhere.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <unistd.h>
#include "gen/gen_tree.h"
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

static void note_made(struct tree_made *made, const char *path, size_t n)
{
	char **place = append(made->list, made->n);

	if (place && !(*place = strndup(path, n)))
		made->n--;		/* the directory stays, empty */
}

void tree_forget(struct tree_made *made)
{
	while (made->n)
		free(made->list[--made->n]);
	free(made->list);
	*made = (struct tree_made){ 0 };
}

void tree_unmake(int dir, struct tree_made *made)
{
	for (size_t i = made->n; i--;)
		unlinkat(dir, made->list[i], AT_REMOVEDIR);
	tree_forget(made);
}

/* Like mkdir -p; notes the directories that it made */
static int make_all(const char *directory, struct tree_made *made)
{
	char path[PATH_MAX];

	if (strlen(directory) >= sizeof(path))
		return -ENAMETOOLONG;
	for (size_t n = 1; n <= strlen(directory); n++) {
		if (directory[n] && directory[n] != '/')
			continue;
		memcpy(path, directory, n);
		path[n] = '\0';
		if (!mkdir(path, directory[n] && directory[n + 1] ? 0755 : TREE_PRIVATE))
			note_made(made, path, n);
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

/* Opens a part of a path, which must be a directory and no link */
static int open_part(int at, const char *name, struct stat *ret)
{
	int fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC), rc;

	if (fd < 0 && errno == ENOTDIR && !fstatat(at, name, ret, AT_SYMLINK_NOFOLLOW) &&
	    S_ISLNK(ret->st_mode))
		return -ELOOP;
	if (fd < 0 || fstat(fd, ret)) {
		rc = -errno;
		if (fd >= 0)
			close(fd);
		return rc;
	}
	return fd;
}

static int make_part(int at, const char *name, const char *path, size_t n, mode_t mode,
		     struct tree_made *made)
{
	if (!mkdirat(at, name, mode))
		note_made(made, path, n);
	else if (errno != EEXIST)
		return -errno;
	return 0;
}

/* Opens the directory of path's file. With made: makes missing directories, the last with `mode`;
 * otherwise -ENOENT. ret_stat describes that directory. */
static int open_parent(int dir, const char *path, mode_t mode, struct tree_made *made, int *ret_fd,
		       const char **ret_name, struct stat *ret_stat)
{
	const char *part = path, *slash;
	int fd = dup(dir), next, rc = fd < 0 ? -errno : fstat(fd, ret_stat) ? -errno : 0;
	char name[NAME_MAX + 1];

	if (!rc && !tree_path_valid(path))
		rc = -EINVAL;
	for (; !rc && (slash = strchr(part, '/')); part = slash + 1) {
		memcpy(name, part, slash - part);
		name[slash - part] = '\0';
		if (made)
			rc = make_part(fd, name, path, slash - path,
				       strchr(slash + 1, '/') ? 0755 : mode, made);
		next = rc ?: open_part(fd, name, ret_stat);
		close(fd);
		fd = next;
		rc = next < 0 ? next : 0;
	}
	if (rc) {
		if (fd >= 0)
			close(fd);
		return rc;
	}
	*ret_fd = fd;
	*ret_name = part;
	return 0;
}

static int read_whole(int fd, size_t size, char **ret, size_t *ret_n)
{
	char *text = malloc(size + 1);
	size_t n = 0;
	ssize_t got;

	if (!text)
		return -ENOMEM;
	while (n < size && (got = read(fd, text + n, size - n))) {
		if (got < 0) {
			free(text);
			return -errno;
		}
		n += got;
	}
	text[n] = '\0';
	*ret = text;
	*ret_n = n;
	return 0;
}

int tree_read(int dir, const char *path, struct tree_file *ret)
{
	struct tree_file file = { 0 };
	const char *name;
	struct stat st;
	int at, fd, rc;

	rc = open_parent(dir, path, 0, NULL, &at, &name, &st);
	if (rc)
		return rc;
	file.parent_mode = st.st_mode & 07777;
	/* a fifo must not make open() wait */
	fd = openat(at, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	rc = fd < 0 || fstat(fd, &st) ? -errno : !S_ISREG(st.st_mode) ? -EISDIR : 0;
	close(at);
	if (!rc) {
		file.mode = st.st_mode & 07777;
		rc = read_whole(fd, st.st_size, &file.text, &file.n);
	}
	if (fd >= 0)
		close(fd);
	if (!rc)
		*ret = file;
	return rc;
}

static void new_name(const char *name, char ret[NAME_MAX + 1])
{
	snprintf(ret, NAME_MAX + 1, ".%s.new", name);
}

static int write_new(int at, const char *name, const char *text, size_t n, mode_t mode)
{
	int fd, rc = 0;

	unlinkat(at, name, 0);		/* left by a run that was killed */
	fd = openat(at, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode & 0600);
	if (fd < 0)
		return -errno;
	while (n && !rc) {
		ssize_t put = write(fd, text, n);

		rc = put < 0 ? -errno : 0;
		text += rc ? 0 : put;
		n -= rc ? 0 : put;
	}
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
	int at, rc;

	rc = open_parent(dir, path, parent, made, &at, &name, &st);
	if (rc)
		return rc;
	if (parent == TREE_PRIVATE && st.st_mode & 077 && fchmod(at, parent))
		rc = -errno;
	new_name(name, beside);
	rc = rc ?: write_new(at, beside, text, n, mode);
	close(at);
	return rc;
}

int tree_take(int dir, const char *path)
{
	char beside[NAME_MAX + 1];
	const char *name;
	struct stat st;
	int at, rc;

	rc = open_parent(dir, path, 0, NULL, &at, &name, &st);
	if (rc)
		return rc;
	new_name(name, beside);
	rc = renameat(at, beside, at, name) ? -errno : 0;
	close(at);
	return rc;
}

void tree_drop(int dir, const char *path)
{
	char beside[NAME_MAX + 1];
	const char *name;
	struct stat st;
	int at;

	if (open_parent(dir, path, 0, NULL, &at, &name, &st))
		return;
	new_name(name, beside);
	unlinkat(at, beside, 0);
	close(at);
}

int tree_remove(int dir, const char *path)
{
	char above[PATH_MAX], *slash;
	const char *name;
	struct stat st;
	int at, rc;

	rc = open_parent(dir, path, 0, NULL, &at, &name, &st);
	if (rc)
		return rc;
	rc = unlinkat(at, name, 0) ? -errno : 0;
	close(at);
	snprintf(above, sizeof(above), "%s", path);
	while (!rc && (slash = strrchr(above, '/'))) {
		*slash = '\0';
		name = NULL;
		if (open_parent(dir, above, 0, NULL, &at, &name, &st))
			break;
		if (unlinkat(at, name, AT_REMOVEDIR))
			slash = NULL;
		close(at);
		if (!slash)
			break;
	}
	return rc;
}
