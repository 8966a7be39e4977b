/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The paths of an instance's files of this boot, in a file of their own: tests have another
 * directory.
 */
#include <stdio.h>
#include "lib/paths.h"

void run_state_path(char path[RUN_STATE_PATH_LEN], const char *instance, const char *name)
{
	snprintf(path, RUN_STATE_PATH_LEN, RUN_STATE_DIR "/%s/%s", instance, name);
}
