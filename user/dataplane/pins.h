/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Handles the pins of an instance in /sys/fs/bpf/wgxdp/INSTANCE/: every map by its name, programs
 * in progs/, links in attach/. A first `up` makes its pins in INSTANCE~new and then renames the
 * directory, so that an instance is pinned completely or not at all. dataplane/, daemon/, doctor/
 * and cmd/ include it.
 */
#pragma once
#include <linux/types.h>
#include <stdbool.h>
#include <sys/stat.h>
#include <uv.h>
#include "lib/paths.h"

#define PIN_BLIND_PUT "progs/wgxdp_blind_put"	/* the daemon writes sessions by it */
#define PIN_SEND "progs/wgxdp_send"	/* the daemon runs this program to send frames of its own */

#define PINS_DIR "/sys/fs/bpf/wgxdp"
#define PIN_LEN 128

/* Returns whether a name is valid for an instance: [A-Za-z0-9_-]{1,32}. */
bool instance_valid(const char *name);

/* Mounts bpffs if it is not mounted. Returns 0, or -errno after printing an error. */
int pins_prepare(void);
/* Checks that other users cannot write to this directory, if it exists, or to the one that root's
 * link leads to: iproute2 makes such links. Returns 0, or -EPERM after printing an error. */
int pins_check_owner(const char *path);
/* Checks that only root and this user can write to PINS_DIR and INSTANCE[suffix]: on a bpffs with
 * mode 1777 any user may have created them. Returns 0, also if they do not exist, or -EPERM after
 * printing an error. */
int pins_check_owners(const char *instance, const char *suffix);
/* Writes the path PINS_DIR/INSTANCE[suffix]/REST, where `format` makes REST. */
void pin_path(char path[PIN_LEN], const char *instance, const char *suffix, const char *format, ...)
	__attribute__((format(printf, 4, 5)));
/* Returns 1 if the instance has pins, 0 if not, or -errno after printing an error if this process
 * may not read the directory. */
int pins_exist(const char *instance);
/* Returns the fd of a pinned object, or -errno. */
int pin_get(const char *instance, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Returns the id of a pinned map; 0: there is none. */
__u32 pin_map_id(const char *instance, const char *name);
bool pin_exists(const char *instance, const char *name);
/* Pins fd under this name, in place of an older pin. Returns 0, or -errno after printing an
 * error. */
int pin_set(int fd, const char *instance, const char *suffix, const char *name);
void pin_remove(const char *instance, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
int pins_make_dirs(const char *instance, const char *suffix);
/* Makes the pins of a first `up` those of the instance: renames INSTANCE~new to INSTANCE. */
int pins_commit(const char *instance);
/* Removes all pins of INSTANCE[suffix], after detaching the pinned links. Programs and maps that
 * nothing else uses then end. Returns 0, or -errno after printing an error. */
int pins_remove_all(const char *instance, const char *suffix);
/* Removes the pins of an instance's maps (directory "") or programs ("progs") for which is_kept()
 * returns false. */
typedef bool pin_is_kept(void *data, const char *name);
void pins_remove_others(const char *instance, const char *directory, pin_is_kept *is_kept,
			void *data);
/* Detaches and unpins links that a killed command has attached and not yet pinned by their final
 * names. */
void pins_detach_unfinished(const char *instance);
/* Removes a directory and all pins in it. links: first detaches pinned links from their devices.
 * Returns 0, or -errno after printing an error. */
int pins_remove_directory(const char *path, bool links);

/* Returns whether a program uses the map with this id. A program whose map `control` is that of an
 * instance belongs to the instance. */
bool pins_program_uses(int program, __u32 map_id);
/* Returns whether any instance has pinned the program, including one whose first `up` is not
 * complete. */
bool pins_have_program(__u32 program_id);
/* Finds the instance other than `ours` that has a program with this id. Returns false if there is
 * none. */
bool pins_owner(__u32 program_id, const char *ours, char ret[INSTANCE_LEN]);

/* ---- watching ----
 * The kernel frees everything with the last pin and notifies no process. */

struct pins_watch {			/* state of a watch; all zero before the first call */
	uv_fs_event_t event;
	struct stat is;
	const char *instance;
	void (*gone)(void *data);
	void *data;
};

/* Calls gone() when the instance has no pins any more, because they were removed or bpffs was
 * unmounted. Call this again after any step that may have created PINS_DIR again. Returns 0 or
 * -errno. */
int pins_watch(struct pins_watch *w, uv_loop_t *loop, const char *instance,
	       void (*gone)(void *data), void *data);
