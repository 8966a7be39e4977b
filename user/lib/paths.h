/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Where an instance has its files: in /run/wgxdp/INSTANCE what ends with a boot, and in $STATE_DIRECTORY or /var/lib/wgxdp what
 * outlives it.
 */
#pragma once

#define INSTANCE_DEFAULT "default"
#define INSTANCE_LEN 33

#define KEPT_PATH_LEN 256

/* Path of a file that outlives a boot; "": the directory */
void kept_path(char path[KEPT_PATH_LEN], const char *instance, const char *name);
/* Makes that directory, if it can */
void kept_prepare(const char *instance);

#define STATE_DIR "/run/wgxdp"
#define STATE_PATH_LEN 128
/* Path of a file of this boot's, as "running.yaml"; "": the directory */
void state_path(char path[STATE_PATH_LEN], const char *instance, const char *name);
