/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Where an instance's state is pinned: /sys/fs/bpf/wgxdp/INSTANCE/ with every map by its name,
 * progs/ and attach/. A first `up` pins beside it (INSTANCE~new) and renames, so that an instance
 * is there as a whole or not at all. Everything that opens a map includes it.
 */
#pragma once
#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>
#include "lib/paths.h"

#define PIN_ANSWER "progs/wgxdp_answer"	/* the program by which the daemon sends cookie replies */

#define PINS_DIR "/sys/fs/bpf/wgxdp"
#define PIN_LEN 128

/* [A-Za-z0-9_-]{1,32} */
bool instance_valid(const char *name);

/* Mounts bpffs if it is not mounted. 0 or -errno, reported. */
int pins_prepare(void);
/* Returns 0 if nobody but root and this user can put pins into PINS_DIR and INSTANCE[suffix], or if
 * there is no such directory; -EPERM, reported. On a bpffs of mode 1777 any user may have made
 * them. */
int pins_check_owners(const char *instance, const char *suffix);
/* PINS_DIR/INSTANCE[suffix]/format… */
void pin_path(char path[PIN_LEN], const char *instance, const char *suffix, const char *format, ...)
	__attribute__((format(printf, 4, 5)));
/* 1, 0, or -errno, reported, if this process may not look. */
int pins_exist(const char *instance);
/* Returns the fd of a pinned object, or -errno. */
int pin_get(const char *instance, const char *format, ...) __attribute__((format(printf, 2, 3)));
bool pin_exists(const char *instance, const char *name);
/* Pins fd, and replaces what is pinned there now. 0 or -errno, reported. */
int pin_set(int fd, const char *instance, const char *suffix, const char *name);
void pin_remove(const char *instance, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
int pins_make_dirs(const char *instance, const char *suffix);
/* Renames INSTANCE~new to INSTANCE. */
int pins_commit(const char *instance);
/* Removes all pins of INSTANCE[suffix], and so everything that only they kept; links are detached
 * before this returns. 0 or -errno, reported. */
int pins_remove_all(const char *instance, const char *suffix);
/* Removes those pins of an instance's maps ("") or programs ("progs") that is_kept() does not
 * keep. */
typedef bool pin_is_kept(void *data, const char *name);
void pins_remove_others(const char *instance, const char *directory, pin_is_kept *is_kept,
			void *data);
/* Removes a directory with all pins in it. */
void pins_remove_directory(const char *path);

/* Whether a program uses the map with this id: an instance's programs are those that use its
 * control. */
bool pins_program_uses(int program, __u32 map_id);
/* Whether any instance has the program pinned, even one whose first `up` is not done. */
bool pins_have_program(__u32 program_id);
/* Finds the instance, other than ours, whose program has this id; false: none. */
bool pins_owner(__u32 program_id, const char *ours, char ret[INSTANCE_LEN]);
