/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Remembers the file from which the running configuration was read, and compares the two. cmd/,
 * daemon/, doctor/ and show/ include it.
 */
#pragma once
#include <limits.h>
#include "config/config.h"

enum source_state {
	/* The configuration was not read from a file, or was read from standard input. */
	SOURCE_NONE,
	SOURCE_SAME,
	SOURCE_BY_HAND,			/* commands have changed the running configuration */
	SOURCE_CHANGED,			/* the file was changed but not loaded */
	SOURCE_INVALID,			/* the file was changed and has errors */
	SOURCE_GONE
};

/* Remembers the file as the source of the running configuration. Call it when the contents run. For
 * "-" and NULL it does nothing. */
void source_note(const char *instance, const char *file);
/* Compares the running configuration with its file. ret_file: the absolute path of the file, or ""
 * for SOURCE_NONE. */
enum source_state source_read(const char *instance, const struct config *running,
			      char ret_file[PATH_MAX]);
/* Returns the state of the running configuration in words, or NULL if it cannot be read. */
const char *source_now(const char *instance);
/* Returns the state in words, such as "changed by hand". */
const char *source_state_name(enum source_state s);
static inline bool source_is_stale(enum source_state s)
{
	return s > SOURCE_SAME;
}
