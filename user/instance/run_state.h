/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Stores the running configuration of an instance, and locks the instance. The text of the
 * configuration is in a BPF map (config_text.h). /run/wgxdp/INSTANCE/running.yaml is a copy for
 * people, and the daemon notices changes by it. An instance without maps has only that file. A
 * process that changes an instance holds its lock from reading the configuration to its last write.
 * cmd/, daemon/, instance/ and show/ include it.
 */
#pragma once
#include "config/config.h"
#include "lib/paths.h"

/* Takes the instance's lock, and waits while another command has it. Returns an fd that holds the
 * lock until it is closed, or -errno after printing an error. */
int run_state_lock(const char *instance);
/* Prepares a new text: writes it to a file beside running.yaml and, unless ret_map is NULL, to a
 * new map, whose fd the caller closes. *ret_map is 0 if this text is the running one already. The
 * text becomes the running one when dataplane_sync() pins the map, even if the command is killed
 * after that. Returns 0, or -errno after printing an error. */
int run_state_prepare(const char *instance, const struct config *c, int *ret_map);
/* Renames the prepared file to running.yaml, or removes it if `map` (0: none) is not the pinned
 * one. Returns 0, or -errno after printing an error. */
int run_state_publish(const char *instance, int map);
/* Writes running.yaml for maps that already match it. */
int run_state_write(const char *instance, const struct config *c);
/* Remembers that a reload failed, until a configuration is published. */
void run_state_set_failed(const char *instance);
bool run_state_failed(const char *instance);
/* Reads the running configuration. Returns 0 or -errno; -ENOENT if there is none. */
int run_state_read(const char *instance, struct config **ret);
/* Removes the configuration and the files of the daemon. The file of the lock stays, because
 * another command may be waiting for it. */
void run_state_remove(const char *instance);
