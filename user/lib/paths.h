/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The paths of an instance's files: in /run/wgxdp/INSTANCE until the next boot, and in
 * $STATE_DIRECTORY or /var/lib/wgxdp for longer. plan/ and the rooms above it include it.
 */
#pragma once

#define INSTANCE_DEFAULT "default"
#define INSTANCE_LEN 33

#define VAR_STATE_PATH_LEN 256

/* Makes the path of a file that outlives a boot; "": of the directory. */
void var_state_path(char path[VAR_STATE_PATH_LEN], const char *instance, const char *name);
/* Makes that directory, if possible. */
void var_state_prepare(const char *instance);

#define RUN_STATE_DIR "/run/wgxdp"
#define RUN_STATE_PATH_LEN 128
/* Makes the path of a file of this boot, as "running.yaml"; "": of the directory. */
void run_state_path(char path[RUN_STATE_PATH_LEN], const char *instance, const char *name);
