/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Where an instance has its files of this boot. Tests have a directory of their own instead.
 */
#include <stdio.h>
#include "lib/paths.h"

void state_path(char path[STATE_PATH_LEN], const char *instance, const char *name)
{
	snprintf(path, STATE_PATH_LEN, STATE_DIR "/%s/%s", instance, name);
}
