/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The running configuration of an instance and its lock, for commands and the daemon. The kernel
 * keeps its text beside the maps (config_text.h). /run/wgxdp/INSTANCE/running.yaml is a copy for
 * people, in which the daemon sees changes; an instance without maps has only that file. Writers
 * hold the instance's lock from reading to their last map write.
 */
#pragma once
#include "config/config.h"
#include "lib/paths.h"

/* Waits for other commands of the instance. Returns a fd that holds the lock until it is closed, or
 * -errno (reported). */
int run_state_lock(const char *instance);
/* Writes what is to run beside running.yaml and, unless ret_map is NULL, into a map for the caller
 * to close; 0: that text runs already. It runs once dataplane_sync() has put the map in place, even
 * if the command is killed then. Returns 0 or -errno (reported). */
int run_state_prepare(const char *instance, const struct config *c, int *ret_map);
/* Makes the prepared file running.yaml, or removes it if its map (0: none) is not the one that
 * runs. Returns 0 or -errno (reported). */
int run_state_publish(const char *instance, int map);
/* Writes running.yaml for maps that agree with it */
int run_state_write(const char *instance, const struct config *c);
/* Notes that a reload failed, until a configuration is published */
void run_state_set_failed(const char *instance);
bool run_state_failed(const char *instance);
/* -ENOENT: there is none, or it is lost */
int run_state_read(const char *instance, struct config **ret);
/* Removes the configuration and the daemon's notes. The lock's file stays: another command may wait
 * for it. */
void run_state_remove(const char *instance);
