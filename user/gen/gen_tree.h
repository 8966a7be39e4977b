/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Files below a directory, by paths like "relay/etc/radvd.conf", in which no symbolic link is
 * followed. For gen_files.c, gen_keys.c and gen_hosts.c. All functions log nothing and return 0 or
 * -errno (-ELOOP: a symbolic link); results are set only on success.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

#define TREE_PRIVATE 0700		/* mode of directories with keys */

struct tree_made {			/* directories that were made, to be undone */
	char **list;
	size_t n;
};

/* Opens the directory itself, whose parents may be links. With made: makes it, private to its
 * owner, and its parents. */
int tree_open(const char *directory, struct tree_made *made, int *ret_fd);
/* Whether it is relative, without "..", "." and empty parts */
bool tree_path_valid(const char *path);

struct tree_file {
	char *text;			/* zero-terminated; free it */
	size_t n;
	mode_t mode;
	mode_t parent_mode;		/* its directory's */
};

/* -ENOENT: it does not exist; -EISDIR: it is not a regular file */
int tree_read(int dir, const char *path, struct tree_file *ret);
/* Writes a complete file with this mode beside PATH, under a name of its own. Missing parents are
 * made, the last with mode `parent`; an existing one gets this mode only if it is TREE_PRIVATE.
 * PATH itself is unchanged until tree_settle(). */
int tree_put(int dir, const char *path, const char *text, size_t n, mode_t mode, mode_t parent,
	     struct tree_made *made);
/* Renames what tree_put() wrote to its place (keep), or removes it */
int tree_settle(int dir, const char *path, bool keep);
/* Removes the file, and then the directories above it that are empty */
int tree_remove(int dir, const char *path);
/* Removes those directories that are empty; dir is AT_FDCWD for tree_open()'s */
void tree_unmake(int dir, struct tree_made *made);
void tree_forget(struct tree_made *made);
