/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include "dataplane/control.h"
#include "dataplane/load_error.h"
#include "dataplane/map_info.h"
#include "instance/follower.h"
#include "lib/file.h"
#include "lib/log.h"
#include "instance/run_counters.h"
#include "instance/run_state.h"
#include "lib/text.h"
#include "lib/timer.h"
#include "lib/yaml.h"

#define RUNNING "running.yaml"
#define FAILED "failed"
#define NEXT "running.yaml.new"

#define LOCKED_LONG_MS 1000		/* time in ms after which the lock's holder is logged */

/* Opens and locks the lock file. operation: LOCK_EX, or LOCK_EX | LOCK_NB. Returns an fd, -EAGAIN,
 * or -errno after printing an error. */
static int take_lock(const char *instance, int operation)
{
	char path[RUN_STATE_PATH_LEN];
	int fd, rc;

	mkdir(RUN_STATE_DIR, 0755);
	run_state_path(path, instance, "");
	mkdir(path, 0755);
	run_state_path(path, instance, "lock");
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd >= 0 && !flock(fd, operation))
		return fd;
	rc = -errno;
	if (rc != -EAGAIN)
		log_error("cannot lock %s: %s%s", path, strerror(-rc),
			  geteuid() ? ": run as root" : "");
	fd_close(fd);
	return rc;
}

int run_state_lock(const char *instance)
{
	return take_lock(instance, LOCK_EX);
}

/* Returns the id of the process that has locked the instance, from /proc/locks; 0 if it is
 * unknown. */
static int lock_holder(const char *instance)
{
	char path[RUN_STATE_PATH_LEN], line[128], *colon;
	unsigned long long inode;
	struct stat st;
	int pid = 0;
	FILE *in;

	run_state_path(path, instance, "lock");
	if (stat(path, &st))
		return 0;
	in = fopen("/proc/locks", "re");
	while (in && fgets(line, sizeof(line), in)) {
		/* 1: FLOCK  ADVISORY  WRITE 4711 fe:00:131 0 EOF */
		colon = strrchr(line, ':');
		if (strstr(line, ": FLOCK ") && colon &&
		    sscanf(line, "%*s FLOCK %*s WRITE %d", &pid) == 1 &&
		    sscanf(colon, ":%llu", &inode) == 1 && inode == st.st_ino)
			break;
		pid = 0;
	}
	if (in)
		fclose(in);
	return pid;
}

static void log_lock_holder(const char *instance)
{
	int pid = lock_holder(instance);
	char path[32], command[64] = "", holder[96] = "an unknown process";
	FILE *in;

	snprintf(path, sizeof(path), "/proc/%d/comm", pid);
	in = pid > 0 ? fopen(path, "re") : NULL;
	if (in && fgets(command, sizeof(command), in))
		command[strcspn(command, "\n")] = '\0';
	if (in)
		fclose(in);
	if (*command)
		snprintf(holder, sizeof(holder), "process %d (%s)", pid, command);
	log_warning("instance %s: %s has locked it for more than a second: the daemon waits with all changes until that process ends",
		    instance, holder);
}

int run_state_try_lock(const char *instance)
{
	static __u64 taken_since;	/* clock_ms() at the first call that failed; 0: none has */
	static bool logged;
	int fd = take_lock(instance, LOCK_EX | LOCK_NB);

	if (fd != -EAGAIN) {
		taken_since = 0;
		logged = false;
		return fd;
	}
	taken_since = taken_since ?: clock_ms();
	if (!logged && clock_ms() - taken_since >= LOCKED_LONG_MS) {
		log_lock_holder(instance);
		logged = true;
	}
	return fd;
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
	char path[RUN_STATE_PATH_LEN], what[INSTANCE_LEN + sizeof("instance ")], *text;
	size_t n;
	FILE *out = text_open(&text, &n);
	int rc = 0, map = 0;

	config_write(c, out);
	fclose(out);
	if (n > YAML_FILE_LIMIT) {	/* a longer text could not be read back */
		log_error("this configuration is too large: it has %zu bytes as text, and the limit is %d: divide it among several instances",
			  n, YAML_FILE_LIMIT);
		rc = -EFBIG;
	}
	run_state_path(path, instance, NEXT);
	if (!rc) {
		rc = write_whole(path, text, n);
		if (rc)
			log_error("cannot write %s: %s", path, strerror(-rc));
	}
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
	fd_close(fd);
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
		log_error("instance %s: cannot read its running configuration: %s", instance, strerror(-rc));
	free(text);
	return rc;
}

void run_state_remove(const char *instance)
{
	static const char *const files[] = RUN_COUNTERS_FILES;
	char beside[32];

	remove_file(instance, RUNNING);
	remove_file(instance, NEXT);
	remove_file(instance, "names.new");	/* written by user/plan/resolved_backends.c */
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

/* ---- the running configuration ---- */

int running_read_quietly(const char *instance, struct config **ret)
{
	struct dataplane *dp = NULL;
	int rc = dataplane_open(instance, &dp);

	if (rc)
		return rc;
	rc = dp->running ? run_state_read(instance, ret) : -ENOENT;
	if (rc == -ENOENT && dp->running) {
		log_error("instance %s: its configuration is lost: load one with `wgxdp up -c FILE`", instance);
		rc = -ENODATA;
	}
	dataplane_close(dp);
	return rc;
}

struct config *running_control(const char *instance)
{
	struct config *c = NULL;
	__s64 since;

	if (!follower_runs(instance, &since) || run_state_read(instance, &c))
		return NULL;
	if (config_is_control(c))
		return c;
	config_free(c);
	return NULL;
}

void running_not_up(const char *instance)
{
	bool named = strcmp(instance, INSTANCE_DEFAULT) != 0;
	struct config *control = running_control(instance);

	if (control) {
		log_error("instance %s has no data path: the daemon does everything in its configuration. To apply its file again, run `systemctl reload wgxdp-daemon` or send SIGHUP to the daemon",
			  instance);
		config_free(control);
		return;
	}
	log_error("instance %s is not up: start it with `wgxdp %s%s%sup`; `wgxdp instances` lists the running instances",
		  instance, named ? "--instance " : "", named ? instance : "", named ? " " : "");
}

int running_read(const char *instance, struct config **ret)
{
	int rc = running_read_quietly(instance, ret);

	if (rc == -ENOENT)
		running_not_up(instance);
	return rc;
}

int running_open(const char *instance, struct dataplane **ret)
{
	int rc = dataplane_open(instance, ret);

	if (!rc && !(*ret)->running) {
		running_not_up(instance);
		rc = -ENOENT;
	}
	return rc;
}
