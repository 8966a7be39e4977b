/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The running configuration of an instance. The kernel keeps its text beside the maps (config_text.h), and
 * /run/wgxdp/INSTANCE/running.yaml is a copy: people read it, and the daemon sees there that it changed. An instance without
 * maps has that file alone. Every writer holds the instance's lock from reading to its last map write.
 */
#pragma once
#include "config/config.h"
#include "lib/paths.h"

/* Waits for other commands of the instance; the lock is held until the fd is closed. fd, or -errno, told. */
int state_lock(const char *instance);
/* Writes what is to run beside running.yaml, and, unless ret_map is NULL, into a map, to be closed; 0: that text runs already. It
 * runs once dataplane_sync() has put the map in its place, even if the command is killed then. 0 or -errno, told. */
int state_prepare(const char *instance, const struct config *c, int *ret_map);
/* What was prepared becomes running.yaml; it is removed where its map (0: none) is not the one that runs. 0 or -errno, told. */
int state_publish(const char *instance, int map);
/* running.yaml anew, where the maps are as it says */
int state_write(const char *instance, const struct config *c);
/* A reload failed, until a configuration comes to run */
void state_note_failure(const char *instance);
bool state_failed(const char *instance);
/* -ENOENT: none, or lost */
int state_read(const char *instance, struct config **ret);
/* The configuration goes, and what a daemon has noted; the lock's file stays, for another may wait for it */
void state_remove(const char *instance);
