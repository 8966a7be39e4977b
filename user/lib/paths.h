/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Files that outlive a boot, in $STATE_DIRECTORY or /var/lib/wgxdp.
 */
#pragma once

#define KEPT_PATH_LEN 256

/* Path of a file of the instance's; "": its directory */
void kept_path(char path[KEPT_PATH_LEN], const char *instance, const char *name);
/* Makes that directory, if it can */
void kept_prepare(const char *instance);
