/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The set of files that gen_file() fills, and the directory that it is compared with and written
 * to. DIR/state/written lists the files that were written, with a hash of each text. By this list,
 * files that are no longer generated are removed, and files that were edited by hand are
 * recognized. Files below DIR/state are not on that list and stay. gen_hosts.c includes it, and so
 * do the generators that read other files.
 */
#pragma once
#include "gen/gen.h"
#include "gen/gen_tree.h"

#define GEN_STATE "state/"
#define GEN_WRITTEN GEN_STATE "written"

struct gen_files *gen_files_new(void);
void gen_files_free(struct gen_files *f);
/* Adds a file of the state that must not exist. */
void gen_files_remove(struct gen_files *f, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* Returns the next path of the set that begins with the prefix, or NULL after the last one. *at
 * must be 0 before the first call. */
const char *gen_files_next(struct gen_files *f, const char *prefix, size_t *at);

/* Makes the directory contain the files of the set. GEN_CHECK only prints `add PATH`, `change
 * PATH`, `remove PATH` or `keep PATH`; GEN_DIFF only prints diffs. A file that was edited by hand
 * is kept if the set has the same text for it as in the last run; otherwise GEN_WRITE prints the
 * difference and refuses. dir: an open directory, or -1 if there is none and nothing is to be
 * written. directory: its name in messages. ret_differs: the number of files that differ. Returns
 * 0, or -errno after printing an error, and then nothing has changed. */
int gen_files_bring(struct gen_files *f, int dir, const char *directory, enum gen_how how,
		    size_t *ret_differs);
/* Does the same as tree_read(), and prints errors other than -ENOENT. directory: the name of `dir`
 * in messages. */
int gen_files_read(int dir, const char *directory, const char *path, struct tree_file *ret);
