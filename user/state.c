/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The running configuration and its lock.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include "control.h"
#include "log.h"
#include "state.h"

#define NEXT "running.yaml.new"		/* what is to run */

void state_path(char path[STATE_PATH_LEN], const char *instance, const char *name)
{
	snprintf(path, STATE_PATH_LEN, STATE_DIR "/%s/%s", instance, name);
}

int state_lock(const char *instance)
{
	char path[STATE_PATH_LEN];
	int fd, rc;

	mkdir(STATE_DIR, 0755);
	state_path(path, instance, "");
	mkdir(path, 0755);
	state_path(path, instance, "lock");
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd >= 0 && !flock(fd, LOCK_EX))
		return fd;
	rc = -errno;
	log_error("cannot lock %s: %s%s", path, strerror(-rc), geteuid() ? ": run as root" : "");
	if (fd >= 0)
		close(fd);
	return rc;
}

static void forget_failure(const char *instance)
{
	char path[STATE_PATH_LEN];

	state_path(path, instance, "failed");
	unlink(path);
}

/* FNV-1a; never 0 */
static __u32 text_hash(const char *text, size_t n)
{
	__u32 h = 0x811c9dc5;

	while (n--)
		h = (h ^ (unsigned char)*text++) * 0x01000193;
	return h ?: 1;
}

static int write_whole(const char *path, const char *text, size_t n)
{
	FILE *out = fopen(path, "we");
	int rc = out ? 0 : -errno;

	if (!rc && (fwrite(text, 1, n, out) != n || fflush(out) || fsync(fileno(out))))
		rc = -errno;
	if (out && fclose(out) && !rc)
		rc = -errno;
	return rc;
}

static int take_next(const char *instance)
{
	char path[STATE_PATH_LEN], next[STATE_PATH_LEN];

	state_path(path, instance, "running.yaml");
	state_path(next, instance, NEXT);
	if (rename(next, path)) {
		int rc = -errno;

		log_error("cannot write %s: %s", path, strerror(-rc));
		return rc;
	}
	forget_failure(instance);
	return 0;
}

/* Whether the maps are of the next configuration: the command that brought them there was killed before it could say so */
static bool next_runs(const char *instance)
{
	char path[STATE_PATH_LEN], *text = NULL;
	struct stat st;
	__u32 hash;
	FILE *in;
	bool runs;

	state_path(path, instance, NEXT);
	in = fopen(path, "re");
	if (!in)
		return false;
	if (!fstat(fileno(in), &st))
		text = malloc(st.st_size + 1);
	runs = text && fread(text, 1, st.st_size, in) == (size_t)st.st_size && !control_config(instance, &hash) &&
	       hash == text_hash(text, st.st_size);
	fclose(in);
	free(text);
	return runs;
}

int state_settle(const char *instance)
{
	char path[STATE_PATH_LEN];

	if (next_runs(instance))
		return take_next(instance);
	state_path(path, instance, NEXT);
	unlink(path);
	return 0;
}

int state_prepare(const char *instance, const struct config *c, __u32 *ret_hash)
{
	char path[STATE_PATH_LEN], *text = NULL;
	size_t n;
	FILE *out = open_memstream(&text, &n);
	int rc = state_settle(instance);	/* what a killed command left there may run */

	rc = rc ?: out ? config_write(c, out) : -errno;
	if (out && fclose(out) && !rc)
		rc = -errno;
	state_path(path, instance, NEXT);
	rc = rc ?: write_whole(path, text, n);
	if (rc)
		log_error("cannot write %s: %s", path, strerror(-rc));
	else
		*ret_hash = text_hash(text, n);
	free(text);
	return rc;
}

int state_write(const char *instance, const struct config *c)
{
	__u32 hash;

	return state_prepare(instance, c, &hash) ?: take_next(instance);
}

void state_note_failure(const char *instance)
{
	char path[STATE_PATH_LEN];
	int fd;

	state_path(path, instance, "failed");
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	if (fd >= 0)
		close(fd);
}

bool state_failed(const char *instance)
{
	char path[STATE_PATH_LEN];

	state_path(path, instance, "failed");
	return !access(path, F_OK);
}

int state_read(const char *instance, struct config **ret)
{
	char path[STATE_PATH_LEN];

	state_path(path, instance, next_runs(instance) ? NEXT : "running.yaml");
	return access(path, R_OK) ? -errno : config_read(path, ret);
}

void state_remove(const char *instance)
{
	char path[STATE_PATH_LEN];

	state_path(path, instance, "running.yaml");
	unlink(path);
	state_path(path, instance, NEXT);
	unlink(path);
	forget_failure(instance);
	state_path(path, instance, "daemon");	/* whose daemon it was: user/daemon_state.c */
	unlink(path);
}
