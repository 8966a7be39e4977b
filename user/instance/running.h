/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Opens the running instance and reads its configuration, for commands. cmd/, daemon/ and show/
 * include it.
 */
#pragma once
#include "dataplane/dataplane.h"

/* Reads the running configuration. The caller holds the instance's lock. Returns 0, or -errno after
 * printing an error: -ENOENT if the instance is not up. */
int running_read(const char *instance, struct config **ret);
/* Does the same, but prints nothing if the instance is not up. */
int running_read_quietly(const char *instance, struct config **ret);

/* Opens an instance that is up. *ret: NULL before; the caller closes it, also after an error.
 * Returns 0, or -errno after printing an error. */
int running_open(const char *instance, struct dataplane **ret);
/* Reads the configuration of an instance without pins that needs no data path and has only a
 * daemon. Returns NULL for any other instance without pins. */
struct config *running_control(const char *instance);
void running_not_up(const char *instance);	/* prints the error that the instance is not up */
