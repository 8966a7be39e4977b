/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Implements the part of paths.h about files that survive a reboot.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include "lib/paths.h"

#define KEPT_DIR "/var/lib/wgxdp"

void var_state_path(char path[VAR_STATE_PATH_LEN], const char *instance, const char *name)
{
	const char *dir = getenv("STATE_DIRECTORY");

	snprintf(path, VAR_STATE_PATH_LEN, "%s/%s%s%s", dir && *dir == '/' ? dir : KEPT_DIR,
		 instance, *name ? "/" : "", name);
}

void var_state_prepare(const char *instance)
{
	char path[VAR_STATE_PATH_LEN];

	if (!getenv("STATE_DIRECTORY"))
		mkdir(KEPT_DIR, 0755);
	var_state_path(path, instance, "");
	mkdir(path, 0755);
}
