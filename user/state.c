/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The running configuration and its lock.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include "log.h"
#include "state.h"

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

int state_write(const char *instance, const struct config *c)
{
	char path[STATE_PATH_LEN], beside[STATE_PATH_LEN];
	FILE *out;
	int rc;

	state_path(path, instance, "running.yaml");
	state_path(beside, instance, "running.yaml.new");
	out = fopen(beside, "we");
	rc = out ? config_write(c, out) : -errno;
	if (!rc && (fflush(out) || fsync(fileno(out))))
		rc = -errno;
	if (out && fclose(out) && !rc)
		rc = -errno;
	if (!rc && rename(beside, path))
		rc = -errno;
	if (rc)
		log_error("cannot write %s: %s", path, strerror(-rc));
	else
		forget_failure(instance);
	return rc;
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

	state_path(path, instance, "running.yaml");
	return access(path, R_OK) ? -errno : config_read(path, ret);
}

void state_remove(const char *instance)
{
	char path[STATE_PATH_LEN];

	state_path(path, instance, "running.yaml");
	unlink(path);
	forget_failure(instance);
	state_path(path, instance, "daemon");	/* whose daemon it was: user/daemon_state.c */
	unlink(path);
}
