/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The set of files that gen_file() fills, and the directory that it is compared with and written to. DIR/state/written lists what was
 * written, so that what is no longer asked for can go; what is below DIR/state is never on that list, and stays.
 */
#pragma once
#include "gen/gen.h"

#define GEN_STATE "state/"
#define GEN_WRITTEN GEN_STATE "written"

struct gen_files *gen_files_new(void);
void gen_files_free(struct gen_files *f);
/* The text of one in the set, zero behind it; NULL: there is none. Of the one that is being written: as far as it is. */
const char *gen_files_text(struct gen_files *f, const char *path);
/* Paths of the set that begin so, one after the other, from *at = 0; NULL: no more */
const char *gen_files_next(struct gen_files *f, const char *prefix, size_t *at);

/* Brings the directory to the set, or only tells what differs: lines `add PATH`, `change PATH`, `remove PATH`, and for GEN_DIFF what
 * would change as diff(1) says it. dir: open, or -1 where there is none yet and nothing is to be written; directory is what messages call
 * it. Nothing at all is changed where anything is wrong, which is told. ret_differs: how many files do. */
int gen_files_bring(struct gen_files *f, int dir, const char *directory, enum gen_how how, size_t *ret_differs);
/* Tells what tree_*() says of a path */
void gen_files_tell(const char *directory, const char *path, int rc);
