/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Builds the paths of an instance's files. Files in /run/wgxdp/INSTANCE last until the next boot;
 * files in $STATE_DIRECTORY or /var/lib/wgxdp last longer. plan/ and the rooms above it include it.
 */
#pragma once

#define INSTANCE_DEFAULT "default"
#define INSTANCE_LEN 33

/* Files that commands read without -c, of the default instance and of others */
#define CONFIG_DIR "/etc/wgxdp"
#define CONFIG_DEFAULT CONFIG_DIR "/wgxdp.yaml"
#define CONFIG_DEFAULTS CONFIG_DEFAULT ", or " CONFIG_DIR "/NAME.yaml of another instance"

#define VAR_STATE_PATH_LEN 256

/* Writes the path of a file that outlives reboots, in the instance's directory for such files; name
 * "": of the directory. */
void var_state_path(char path[VAR_STATE_PATH_LEN], const char *instance, const char *name);
/* Creates the directory of var_state_path(). If that fails, writing a file there will report it. */
void var_state_prepare(const char *instance);

#define RUN_STATE_DIR "/run/wgxdp"
#define RUN_STATE_PATH_LEN 128
/* Writes the path of a file of the instance in /run, such as "running.yaml"; name "": of its
 * directory. */
void run_state_path(char path[RUN_STATE_PATH_LEN], const char *instance, const char *name);
