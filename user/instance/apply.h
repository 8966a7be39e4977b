/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Applies a checked configuration to the running instance, and reports the result. Commands and the
 * daemon include it.
 */
#pragma once
#include "config/config.h"

/* Loads, attaches and fills the data path, or brings what runs to the configuration, and writes
 * running.yaml: all of it or nothing. Reports on standard output what each port got; what is not
 * there yet is a warning. The caller holds the lock (run_state_lock). Returns 0 or -errno
 * (reported). */
int apply(const char *instance, const struct config *c);

/* The same for a daemon, which follows later changes. answers are those that it has for the
 * configuration's names; only names without any answer are waited for. */
struct resolved_backends;
int apply_followed(const char *instance, const struct config *c, struct resolved_backends *answers);

/* The same for a pass of the daemon. A service or device that contradicts the host as it is now
 * (two services on one address, a device that another program uses) is reported and left out; all
 * others go on. */
int apply_follow(const char *instance, const struct config *c, struct resolved_backends *answers);

/* Returns the seconds until another apply() would remove entries that translate replies of former
 * backends; 0: there are none */
unsigned int apply_due(const char *instance);

/* Returns rc, and reports it if it is -ENOMEM */
int apply_memory(const char *instance, int rc);
