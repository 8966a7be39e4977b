/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Files below a directory, by paths like "relay/etc/radvd.conf" of which no part is followed if it is a symbolic link. All functions return
 * 0 or -errno (-ELOOP: a symbolic link), say nothing, and set their result only on success.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

#define TREE_PRIVATE 0700		/* mode of directories with keys */

struct tree_made {			/* directories that were made, so that they can go again */
	char **list;
	size_t n;
};

/* The directory itself, whose parents may be links: it is the caller's word. With made it is made, for the owner alone, and its parents. */
int tree_open(const char *directory, struct tree_made *made, int *ret_fd);
/* Parents are never "..", "." or empty, and the path is not absolute */
bool tree_path_valid(const char *path);

struct tree_file {
	char *text;			/* zero behind it; to be freed */
	size_t n;
	mode_t mode;
	mode_t parent_mode;		/* of the directory it lies in */
};

/* -ENOENT: it is not there; -EISDIR: it is no file */
int tree_read(int dir, const char *path, struct tree_file *ret);
/* Beside PATH, under a name of its own, whole and with this mode; parents are made, the last with mode `parent`, which one that is there
 * gets only if that is TREE_PRIVATE. The file itself is as before until tree_take(). */
int tree_put(int dir, const char *path, const char *text, size_t n, mode_t mode, mode_t parent, struct tree_made *made);
int tree_take(int dir, const char *path);
void tree_drop(int dir, const char *path);
/* The file, and directories above it that are empty then */
int tree_remove(int dir, const char *path);
/* Those directories that are empty go again; they are below dir, which is AT_FDCWD for what tree_open() made */
void tree_unmake(int dir, struct tree_made *made);
void tree_forget(struct tree_made *made);
