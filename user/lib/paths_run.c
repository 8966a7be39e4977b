/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Implements run_state_path(). It has a file of its own, so that tests can replace it by a function
 * with another directory.
 */
#include <stdio.h>
#include "lib/paths.h"

void run_state_path(char path[RUN_STATE_PATH_LEN], const char *instance, const char *name)
{
	snprintf(path, RUN_STATE_PATH_LEN, RUN_STATE_DIR "/%s/%s", instance, name);
}
