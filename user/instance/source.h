/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Remembers the file from which the running configuration was read, and compares the two. cmd/,
 * daemon/, doctor/, exporter/ and show/ include it.
 */
#pragma once
#include <limits.h>
#include "config/config.h"

enum source_state {
	/* The configuration has no file: it was read from standard input, or made by options. */
	SOURCE_NONE,
	SOURCE_SAME,
	SOURCE_BY_HAND,			/* commands changed the running configuration */
	SOURCE_CHANGED,			/* the file was changed, and not loaded since */
	SOURCE_INVALID,			/* the file was changed, and is invalid now */
	SOURCE_GONE
};

/* Returns the time of the file's last change, in ns since 1970. Returns 0 for "-", NULL, or what
 * is no regular file. Call it before the file is read, for source_note(). */
long long source_time(const char *file);
/* Stores the file as the source of the running configuration. Call it once its contents run. time:
 * from source_time(). So a change of the file since then is noticed. If it is 0, removes the note
 * of the former source. */
void source_note(const char *instance, const char *file, long long time);
/* Compares the time of the file's last change with the one that source_note() stored. file: an
 * absolute path. Returns 1 if they differ, even if the file is older now, and 0 if they are equal.
 * Returns -ENOENT if no note names this file, or another -errno if it cannot be read. */
int source_file_changed(const char *instance, const char *file);
/* Compares the running configuration with the file it came from. ret_file: the file's absolute
 * path; "" for SOURCE_NONE. differences: gets what runs differently, in the sentences of
 * config_changes(); NULL: not needed. */
enum source_state source_read(const char *instance, const struct config *running,
			      char ret_file[PATH_MAX], FILE *differences);
/* Returns whether `reload` and `up` with the file keep the running mode and `express`, which may be
 * options of `up`. False if the file cannot be read. */
bool source_keeps_options(const char *file, const struct config *running);
/* Returns source_state_name() for the running configuration, and the file as source_read() does.
 * Returns NULL if the configuration cannot be read. */
const char *source_now(const char *instance, char ret_file[PATH_MAX]);
/* Returns the words for a state, such as "changed by hand". */
const char *source_state_name(enum source_state s);
static inline bool source_is_stale(enum source_state s)
{
	return s > SOURCE_SAME;
}
