/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Files below a directory, by paths like "relay/etc/radvd.conf", in which no symbolic link is
 * followed. gen_files.c, gen_keys.c and gen_hosts.c include it. The functions print nothing and
 * return 0 or -errno (-ELOOP: a symbolic link); results are set only on success.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

#define TREE_PRIVATE 0700		/* mode of directories that contain keys */

struct tree_made {	/* directories that tree_open() made, which tree_end() removes again */
	char **list;
	size_t n;
};

/* Opens a directory; symbolic links are followed. made: NULL, or also makes missing directories of
 * the path, the last one accessible only to its owner, and lists them there. */
int tree_open(const char *directory, struct tree_made *made, int *ret_fd);
/* Returns whether the path is relative, without "..", "." and empty parts. */
bool tree_path_valid(const char *path);

struct tree_file {
	char *text;			/* zero-terminated text, which the caller frees */
	size_t n;
	mode_t mode;
	mode_t parent_mode;		/* mode of the directory that contains the file */
};

/* Reads a file. Returns 0, -ENOENT if it does not exist, or -EISDIR if it is not a regular file. */
int tree_read(int dir, const char *path, struct tree_file *ret);
/* Writes a complete file with this mode beside PATH, under a name of its own. It makes missing
 * parent directories, the last of them with mode `parent`. A directory that exists gets this mode
 * only if it is TREE_PRIVATE. PATH itself is unchanged until tree_settle(). */
int tree_put(int dir, const char *path, const char *text, size_t n, mode_t mode, mode_t parent,
	     struct tree_made *made);
/* keep: renames the file that tree_put() wrote to PATH. Otherwise removes that file. */
int tree_settle(int dir, const char *path, bool keep);
/* Removes the file, and then the directories above it that are empty. */
int tree_remove(int dir, const char *path);
/* Frees the list. keep false: first removes the directories in it that are empty. dir: the
 * descriptor to which their paths are relative; AT_FDCWD for those that tree_open() made. */
void tree_end(int dir, struct tree_made *made, bool keep);
