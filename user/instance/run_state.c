/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Implements run_state.h.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include "dataplane/config_text.h"
#include "dataplane/load_error.h"
#include "dataplane/map_info.h"
#include "instance/follower.h"
#include "lib/log.h"
#include "instance/run_counters.h"
#include "instance/run_state.h"
#include "lib/text.h"
#include "lib/yaml.h"

#define RUNNING "running.yaml"
#define FAILED "failed"
#define NEXT "running.yaml.new"

int run_state_lock(const char *instance)
{
	char path[RUN_STATE_PATH_LEN];
	int fd, rc;

	mkdir(RUN_STATE_DIR, 0755);
	run_state_path(path, instance, "");
	mkdir(path, 0755);
	run_state_path(path, instance, "lock");
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd >= 0 && !flock(fd, LOCK_EX))
		return fd;
	rc = -errno;
	log_error("cannot lock %s: %s%s", path, strerror(-rc), geteuid() ? ": run as root" : "");
	if (fd >= 0)
		close(fd);
	return rc;
}

static void remove_file(const char *instance, const char *name)
{
	char path[RUN_STATE_PATH_LEN];

	run_state_path(path, instance, name);
	unlink(path);
}

static int write_whole(const char *path, const char *text, size_t n)
{
	FILE *out = fopen(path, "we");
	int rc = out ? 0 : -errno;

	if (!rc && (fwrite(text, 1, n, out) != n || fflush(out) || fsync(fileno(out))))
		rc = -errno;
	if (out && fclose(out) && !rc)
		rc = -errno;
	if (rc)
		unlink(path);
	return rc;
}

static bool runs_already(const char *instance, const char *text)
{
	char *running = NULL;
	bool same = !config_text_read(instance, &running) && !strcmp(running, text);

	free(running);
	return same;
}

int run_state_prepare(const char *instance, const struct config *c, int *ret_map)
{
	char path[RUN_STATE_PATH_LEN], what[INSTANCE_LEN + sizeof("instance ")], *text = NULL;
	size_t n;
	FILE *out = text_open(&text, &n);
	int rc = out ? config_write(c, out) : -ENOMEM, map = 0;

	if (out && fclose(out))
		rc = -ENOMEM;
	if (!rc && n > YAML_FILE_LIMIT) {	/* a longer text could not be read back */
		log_error("this configuration is too large: it has %zu bytes as text, and the "
			  "limit is %d: divide it among several instances", n,
			  YAML_FILE_LIMIT);
		rc = -EFBIG;
	}
	run_state_path(path, instance, NEXT);
	if (!rc)
		rc = write_whole(path, text, n);
	if (rc && rc != -EFBIG)
		log_error("cannot write %s: %s", path, strerror(-rc));
	if (!rc && ret_map && !runs_already(instance, text)) {
		map = config_text_make(text, n);
		rc = map < 0 ? map : 0;
		if (rc) {
			snprintf(what, sizeof(what), "instance %s", instance);
			load_error_begin();
			load_error_tell(what, rc);
		}
	}
	free(text);
	if (rc) {
		unlink(path);
		return rc;
	}
	if (ret_map)
		*ret_map = map;
	return 0;
}

int run_state_publish(const char *instance, int map)
{
	char path[RUN_STATE_PATH_LEN], next[RUN_STATE_PATH_LEN];
	int rc;

	if (map && map_info(map).id != config_text_id(instance)) {
		remove_file(instance, NEXT);
		return 0;
	}
	run_state_path(path, instance, RUNNING);
	run_state_path(next, instance, NEXT);
	rc = rename(next, path) ? -errno : 0;
	if (rc)
		log_error("cannot write %s: %s", path, strerror(-rc));
	return rc;
}

int run_state_write(const char *instance, const struct config *c)
{
	return run_state_prepare(instance, c, NULL) ?: run_state_publish(instance, 0);
}

void run_state_set_failed(const char *instance)
{
	char path[RUN_STATE_PATH_LEN];
	int fd;

	run_state_path(path, instance, FAILED);
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	if (fd >= 0)
		close(fd);
}

void run_state_clear_failed(const char *instance)
{
	remove_file(instance, FAILED);
}

bool run_state_failed(const char *instance)
{
	char path[RUN_STATE_PATH_LEN];

	run_state_path(path, instance, FAILED);
	return !access(path, F_OK);
}

int run_state_read(const char *instance, struct config **ret)
{
	char path[RUN_STATE_PATH_LEN], *text = NULL;
	int rc = config_text_read(instance, &text);

	run_state_path(path, instance, RUNNING);
	if (!rc)
		rc = config_parse(text, path, ret);
	else if (rc == -ENOENT)
		rc = access(path, R_OK) ? -errno : config_read(path, ret);
	else
		log_error("instance %s: cannot read its running configuration: %s", instance,
			  strerror(-rc));
	free(text);
	return rc;
}

void run_state_remove(const char *instance)
{
	static const char *const files[] = RUN_COUNTERS_FILES;
	char beside[32];

	remove_file(instance, RUNNING);
	remove_file(instance, NEXT);
	/* A killed command may have left this file of user/plan/resolved_backends.c. */
	remove_file(instance, "names.new");
	remove_file(instance, FAILED);
	for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++) {
		snprintf(beside, sizeof(beside), "%s.new", files[i]);
		remove_file(instance, files[i]);
		remove_file(instance, beside);
	}
	remove_file(instance, "source");	/* written by user/instance/source.c */
	remove_file(instance, "source.new");
	follower_dismiss(instance);
}
