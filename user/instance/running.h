/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The running configuration, for commands.
 */
#pragma once
#include "config/config.h"
#include "dataplane/dataplane.h"

/* Under the instance's lock. Returns 0 or -errno (reported); -ENOENT: the instance is not up. */
int running_read(const char *instance, struct config **ret);
/* The same, but does not report that it is not up */
int running_read_quietly(const char *instance, struct config **ret);

/* Opens an instance that is up. Returns 0 or -errno (reported); the caller closes *ret, which is
 * NULL before, in either case. */
int running_open(const char *instance, struct dataplane **ret);
void running_not_up(const char *instance);	/* reports that it is not up */
