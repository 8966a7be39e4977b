/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Builds the paths of an instance's files. Files in /run/wgxdp/INSTANCE last until the next boot;
 * files in $STATE_DIRECTORY or /var/lib/wgxdp last longer. plan/ and the rooms above it include
 * it.
 */
#pragma once

#define INSTANCE_DEFAULT "default"
#define INSTANCE_LEN 33

#define VAR_STATE_PATH_LEN 256

/* Writes the path of a file that survives a reboot. With name "" it writes the path of the
 * directory. */
void var_state_path(char path[VAR_STATE_PATH_LEN], const char *instance, const char *name);
/* Creates that directory. A failure shows when a file is written there. */
void var_state_prepare(const char *instance);

#define RUN_STATE_DIR "/run/wgxdp"
#define RUN_STATE_PATH_LEN 128
/* Writes the path of a file that lasts until the next boot, such as "running.yaml". With name "" it
 * writes the path of the directory. */
void run_state_path(char path[RUN_STATE_PATH_LEN], const char *instance, const char *name);
