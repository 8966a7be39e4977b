/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The file that the running configuration was read from, and whether it still says the same. show/,
 * doctor/, the daemon and commands that read a file include it.
 */
#pragma once
#include <limits.h>
#include "config/config.h"

enum source_state {
	SOURCE_NONE,			/* it was not read from a file, or from standard input */
	SOURCE_SAME,
	SOURCE_BY_HAND,			/* commands have changed what runs */
	SOURCE_CHANGED,			/* the file was changed and not loaded */
	SOURCE_INVALID,			/* the file was changed, and has errors */
	SOURCE_GONE
};

/* Notes the file ("-", NULL: leaves the note as it is) once its contents run. */
void source_note(const char *instance, const char *file);
/* Compares what runs with the file; ret_file: its absolute path, "" for SOURCE_NONE. */
enum source_state source_read(const char *instance, const struct config *running,
			      char ret_file[PATH_MAX]);
/* The state of what runs now, in words. NULL: it cannot be read. */
const char *source_now(const char *instance);
/* The state in words, as "changed by hand" */
const char *source_state_name(enum source_state s);
static inline bool source_is_stale(enum source_state s)
{
	return s > SOURCE_SAME;
}
