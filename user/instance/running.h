/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What runs, as a configuration.
 */
#pragma once
#include "config/config.h"
#include "dataplane/dataplane.h"

/* The caller holds the instance's lock. -ENOENT: the instance is not up; told, like every error. */
int running_read(const char *instance, struct config **ret);
/* The same, without a word where it is not up */
int running_read_quietly(const char *instance, struct config **ret);

void running_not_up(const char *instance);	/* says that */
