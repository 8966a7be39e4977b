/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include "daemon/child.h"
#include "daemon/daemon.h"
#include "lib/file.h"
#include "lib/log.h"
#include "dataplane/control.h"
#include "instance/follower.h"
#include "instance/run_state.h"
#include "instance/source.h"
#include "instance/try.h"

static bool is_newer(const struct stat *a, const struct stat *b)
{
	return a->st_mtim.tv_sec != b->st_mtim.tv_sec ? a->st_mtim.tv_sec > b->st_mtim.tv_sec
						      : a->st_mtim.tv_nsec > b->st_mtim.tv_nsec;
}

static void note_files(struct daemon_state *s)
{
	char path[RUN_STATE_PATH_LEN];
	struct stat st;

	run_state_path(path, s->instance, "running.yaml");
	if (stat(path, &s->config_is))
		memset(&s->config_is, 0, sizeof(s->config_is));
	run_state_path(path, s->instance, "");
	s->directory = stat(path, &st) ? 0 : st.st_ino;
	s->text = config_text_id(s->instance);
}

/* Returns whether our file was changed since the instance got its configuration. Without a note of
 * its time, it was changed if it, or the symbolic link to it, is newer than running.yaml. */
static bool file_changed(const struct daemon_state *s, const struct stat *runs)
{
	struct stat file, link;
	int changed;

	if (!s->file || stat(s->file, &file) || lstat(s->file, &link))
		return false;
	changed = source_file_changed(s->instance, s->file);
	return changed < 0 ? is_newer(&file, runs) || is_newer(&link, runs) : changed;
}

static bool names_our_file(const struct daemon_state *s, int fd)
{
	char text[4096];
	ssize_t n = pread(fd, text, sizeof(text) - 1, 0);

	text[n < 0 ? 0 : n] = '\0';
	return !strcmp(text, s->file ?: "");
}

/* Writes the name of our file to the file `daemon`, unless `down` has marked that file. */
static void name_our_file(const struct daemon_state *s)
{
	const char *file = s->file ?: "";
	int fd = s->lock_fd;

	if (fd < 0 || names_our_file(s, fd) || follower_is_dismissed(fd))
		return;
	if (ftruncate(fd, 0) || pwrite(fd, file, strlen(file), 0) < 0)
		log_warning("cannot write " RUN_STATE_DIR "/%s/daemon: %s", s->instance,
			    strerror(errno));
}

/* Returns whether a daemon with the same file left the running instance: the file `daemon` then
 * names our file, and our file has not changed since. While a change is on trial, the file may
 * have changed, because only the trial's end decides. */
static bool left_by_us(const struct daemon_state *s, int fd)
{
	char path[RUN_STATE_PATH_LEN];
	struct stat runs;

	run_state_path(path, s->instance, "running.yaml");
	if (stat(path, &runs) || pins_exist(s->instance) <= 0 || !names_our_file(s, fd))
		return false;
	return try_runs(s->instance) || !file_changed(s, &runs);
}

int daemon_state_hold(struct daemon_state *s, bool *ret_again)
{
	char path[RUN_STATE_PATH_LEN];
	int fd, rc = 0;

	mkdir(RUN_STATE_DIR, 0755);
	run_state_path(path, s->instance, "");
	mkdir(path, 0755);
	run_state_path(path, s->instance, "daemon");
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	/* A user who may read the file could lock it, and the daemon would not start. */
	rc = fd < 0 || fchmod(fd, 0600) ? -errno : follower_hold(fd);
	if (rc == -EWOULDBLOCK)
		log_error("a daemon of instance %s runs already", s->instance);
	else if (rc)
		log_error("cannot write %s: %s", path, strerror(-rc));
	if (rc) {
		fd_close(fd);
		return rc == -EWOULDBLOCK ? -EBUSY : rc;
	}
	*ret_again = left_by_us(s, fd);
	s->lock_fd = fd;
	child_closes(fd);
	if (!s->file)
		name_our_file(s);
	return 0;
}

bool daemon_state_changed(const struct daemon_state *s)
{
	struct daemon_state now = { .instance = s->instance };

	note_files(&now);
	return now.directory != s->directory || now.text != s->text ||
	       now.config_is.st_ino != s->config_is.st_ino ||
	       is_newer(&now.config_is, &s->config_is) || is_newer(&s->config_is, &now.config_is);
}

bool daemon_state_dropped(const struct daemon_state *s)
{
	struct stat st;

	return s->lock_fd < 0 || fstat(s->lock_fd, &st) || !st.st_nlink;
}

/* Makes and locks the file `daemon` again after someone removed it. Returns 0, -EBUSY if another
 * daemon has locked it meanwhile, or another -errno. */
static int hold_again(struct daemon_state *s)
{
	bool again;
	int rc;

	if (!daemon_state_dropped(s))
		return 0;
	fd_close(s->lock_fd);
	s->lock_fd = -1;
	rc = daemon_state_hold(s, &again);
	if (!rc)
		name_our_file(s);
	return rc;
}

int daemon_state_read(struct daemon_state *s)
{
	char path[RUN_STATE_PATH_LEN];
	struct config *c = NULL;
	int rc = pins_exist(s->instance);
	bool again = !rc && s->config && !daemon_state_dropped(s);

	if (s->lock_fd >= 0 && follower_is_dismissed(s->lock_fd))
		return 0;
	if (again && !config_is_control(s->config))
		log_warning("instance %s: its pins in /sys/fs/bpf were removed without `wgxdp down`: it is loaded again",
			    s->instance);
	if (rc <= 0 && !again)
		return rc;
	if (!daemon_state_changed(s))
		return 1;
	/* If this fails, the caller reads the configuration file, if there is one. */
	rc = s->file || s->config ? run_state_read(s->instance, &c) : running_read(s->instance, &c);
	if (hold_again(s) == -EBUSY) {
		config_free(c);
		return 0;
	}
	/* The files are not noted then, so the next pass tries again. */
	if (rc && rc != -ENOENT)
		return rc;
	if (!rc) {
		config_free(s->config);
		s->config = c;
	}
	run_state_path(path, s->instance, "running.yaml");
	if (s->config && access(path, F_OK)) {
		log_warning(RUN_STATE_DIR "/%s was removed: it is written again", s->instance);
		rc = run_state_write(s->instance, s->config);
	}
	note_files(s);
	return rc ?: 1;
}

void daemon_state_take(struct daemon_state *s, struct config *c)
{
	config_free(s->config);
	s->config = c;
	name_our_file(s);
	note_files(s);
}
