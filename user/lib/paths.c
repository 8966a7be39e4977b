/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The paths of an instance's files.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include "lib/paths.h"

#define KEPT_DIR "/var/lib/wgxdp"

void kept_path(char path[KEPT_PATH_LEN], const char *instance, const char *name)
{
	const char *dir = getenv("STATE_DIRECTORY");

	snprintf(path, KEPT_PATH_LEN, "%s/%s%s%s", dir && *dir == '/' ? dir : KEPT_DIR, instance,
		 *name ? "/" : "", name);
}

void kept_prepare(const char *instance)
{
	char path[KEPT_PATH_LEN];

	if (!getenv("STATE_DIRECTORY"))
		mkdir(KEPT_DIR, 0755);
	kept_path(path, instance, "");
	mkdir(path, 0755);
}
