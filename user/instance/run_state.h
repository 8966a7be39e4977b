/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Stores the running configuration of an instance, and locks the instance. The text of the
 * configuration is in a BPF map (control.h). /run/wgxdp/INSTANCE/running.yaml is a copy for
 * people, and the daemon notices changes by it. An instance without maps has only that file. A
 * process that changes an instance holds its lock from reading the configuration to its last write.
 * cmd/, daemon/, exporter/, instance/ and show/ include it.
 */
#pragma once
#include "config/config.h"
#include "dataplane/dataplane.h"
#include "lib/paths.h"

/* Locks the instance, after waiting for any command that has the lock. Returns an fd, whose close()
 * releases the lock, or -errno after printing an error. */
int run_state_lock(const char *instance);
/* Interval in ms at which the daemon tries again to lock the instance. */
#define LOCKED_MS 20
/* Locks the instance if no other process has the lock. Returns an fd as run_state_lock() does,
 * -EAGAIN if another process has the lock, or -errno after printing an error. If the lock is taken
 * in all calls for a second, logs once which process has it. */
int run_state_try_lock(const char *instance);
/* Prepares the text of c: writes it to a file beside running.yaml and, unless ret_map is NULL, to a
 * new map. *ret_map: fd of the map, which the caller closes; 0 if the text is the running one
 * already. It becomes the running one when dataplane_sync() pins the map, even if the command is
 * then killed. Returns 0, or -errno after printing an error. */
int run_state_prepare(const char *instance, const struct config *c, int *ret_map);
/* Renames the prepared file to running.yaml, or removes it if its map was not pinned. map: from
 * run_state_prepare(). Returns 0, or -errno after printing an error. */
int run_state_publish(const char *instance, int map);
/* Writes running.yaml when the maps already match c, for example after someone removed the file. */
int run_state_write(const char *instance, const struct config *c);
/* The first stores that a reload failed, for others to see. The second forgets it, because the file
 * was applied. */
void run_state_set_failed(const char *instance);
void run_state_clear_failed(const char *instance);
bool run_state_failed(const char *instance);
/* Reads the running configuration. Returns 0 or -errno; -ENOENT if there is none. */
int run_state_read(const char *instance, struct config **ret);
/* Removes the instance's files in /run, except the lock file, for which another command may be
 * waiting. */
void run_state_remove(const char *instance);

/* ---- the running configuration ---- */

/* Reads the running configuration. The caller holds the instance's lock. Returns 0, or -errno after
 * printing an error: -ENOENT if the instance is not up. */
int running_read(const char *instance, struct config **ret);
/* Does the same, but prints nothing if the instance is not up. */
int running_read_quietly(const char *instance, struct config **ret);

/* Opens an instance that is up. *ret: NULL before; the caller closes it, also after an error.
 * Returns 0, or -errno after printing an error. */
int running_open(const char *instance, struct dataplane **ret);
/* Reads the configuration of an instance without pins that needs no data path and has only a
 * daemon. Returns NULL for any other instance without pins. */
struct config *running_control(const char *instance);
void running_not_up(const char *instance);	/* prints the error that the instance is not up */
