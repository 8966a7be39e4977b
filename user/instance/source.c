/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Implements source.h: stores the file's path and time in /run/wgxdp/INSTANCE/source.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "config/config_diff.h"
#include "dataplane/control.h"
#include "instance/source.h"
#include "instance/run_state.h"
#include "lib/file.h"
#include "lib/hash.h"
#include "lib/log.h"

static long long changed_at(const struct stat *st)
{
	return st->st_mtim.tv_sec * 1000000000LL + st->st_mtim.tv_nsec;
}

/* Returns a hash of the running text; 0: there is none, for example without a data path. */
static __u64 running_hash(const char *instance)
{
	char *text = NULL;
	__u64 hash;

	if (config_text_read(instance, &text))
		return 0;
	hash = hash_bytes(HASH_START, text, strlen(text));
	free(text);
	return hash;
}

long long source_time(const char *file)
{
	struct stat st;

	if (!file || !strcmp(file, "-") || stat(file, &st) || !S_ISREG(st.st_mode))
		return 0;
	return changed_at(&st);
}

void source_note(const char *instance, const char *file, long long time)
{
	char path[RUN_STATE_PATH_LEN], full[PATH_MAX];
	FILE *out;

	run_state_path(path, instance, "source");
	if (!time || !realpath(file, full)) {
		unlink(path);
		return;
	}
	out = file_replace_begin(path, 0644);
	if (!out)
		return;
	fprintf(out, "%lld %llu %s\n", time, (unsigned long long)running_hash(instance), full);
	file_replace_end(out, path);
}

struct source_note {
	long long time;			/* time of the file's last change */
	unsigned long long hash;	/* hash of the text that ran then; 0: unknown */
};

static bool read_note(const char *instance, struct source_note *ret, char ret_file[PATH_MAX])
{
	char path[RUN_STATE_PATH_LEN];
	bool has_file;
	FILE *in;

	*ret_file = '\0';
	run_state_path(path, instance, "source");
	in = fopen(path, "re");
	/* The path has less than PATH_MAX (4096) bytes. */
	has_file = in && fscanf(in, "%lld %llu %4095[^\n]", &ret->time, &ret->hash, ret_file) == 3;
	if (in)
		fclose(in);
	return has_file;
}

int source_file_changed(const char *instance, const char *file)
{
	char noted_file[PATH_MAX], full[PATH_MAX];
	struct source_note noted;
	struct stat st;

	if (!read_note(instance, &noted, noted_file) || !realpath(file, full) ||
	    strcmp(noted_file, full))
		return -ENOENT;
	return stat(file, &st) ? -errno : changed_at(&st) != noted.time;
}

/* Reads the file without printing errors: it is for `wgxdp check` to print them. */
static int read_silently(const char *file, struct config **ret)
{
	int rc;

	log_silent(true);
	rc = config_read(file, ret);
	log_silent(false);
	return rc;
}

static bool says_the_same(struct config *c, const struct config *running, FILE *differences)
{
	c->mode = running->mode;	/* an option of `up`, which no file contains */
	return !config_changes(c, running, differences);
}

bool source_keeps_options(const char *file, const struct config *running)
{
	struct config *c = NULL;
	bool keeps = !read_silently(file, &c) && c->express == running->express &&
		     (c->mode == MODE_AUTO || c->mode == running->mode);

	config_free(c);
	return keeps;
}

enum source_state source_read(const char *instance, const struct config *running,
			      char ret_file[PATH_MAX], FILE *differences)
{
	enum source_state state = SOURCE_SAME;
	struct source_note noted;
	struct config *c = NULL;
	struct stat st;

	if (!read_note(instance, &noted, ret_file))
		return SOURCE_NONE;
	/* Under systemd a unit may not see home directories and the real /tmp, so a file there may
	 * exist although stat() fails. */
	if (stat(ret_file, &st))
		return errno == ENOENT && strncmp(ret_file, "/tmp/", 5) ? SOURCE_GONE : SOURCE_NONE;
	/* Neither the file nor the running text has changed since the last comparison: skip it,
	 * because reading a long file takes seconds. */
	if (changed_at(&st) == noted.time && noted.hash && noted.hash == running_hash(instance))
		return SOURCE_SAME;
	/* Reading a FIFO might never end. */
	if (!S_ISREG(st.st_mode) || read_silently(ret_file, &c))
		return SOURCE_INVALID;
	if (!says_the_same(c, running, differences))
		state = changed_at(&st) == noted.time ? SOURCE_BY_HAND : SOURCE_CHANGED;
	config_free(c);
	return state;
}

const char *source_state_name(enum source_state s)
{
	static const char *const names[] = {
		"from no file", "as in the file", "changed by hand", "the file was changed",
		"the file is invalid", "the file is gone",
	};

	return names[s];
}

const char *source_now(const char *instance, char ret_file[PATH_MAX])
{
	struct config *running = NULL;
	const char *name;

	*ret_file = '\0';
	if (run_state_read(instance, &running))
		return NULL;
	name = source_state_name(source_read(instance, running, ret_file, NULL));
	config_free(running);
	return name;
}
