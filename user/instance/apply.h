/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Applies a checked configuration to the running instance and reports the result. cmd/ and daemon/
 * include it.
 */
#pragma once
#include "config/config.h"
#include "net/host.h"

/* Loads, attaches and fills the data path, or changes the running one, to match the configuration,
 * and writes running.yaml. Nothing is changed if any step fails. Prints on standard output how each
 * port is attached, and warns about objects that do not exist yet. The caller holds the lock
 * (run_state_lock()). Returns 0, or -errno after printing an error. */
int apply(const char *instance, const struct config *c);

/* Does the same for the daemon. answers: the addresses that the daemon has for names. It waits for
 * DNS only if a name has no address yet. *uniform: hash of the contents that the map
 * `uniform` needs (uniform_hash()). */
struct resolved_backends;
int apply_followed(const char *instance, const struct config *c, struct resolved_backends *answers,
		   __u64 *uniform);

/* Applies a configuration again after the host has changed. A service or device that contradicts
 * the host now (two services on one address, a device that another program uses) is left out with a
 * warning; all others continue. */
int apply_follow(const char *instance, const struct config *c, struct resolved_backends *answers,
		 __u64 *uniform);

/* Returns the seconds until apply() can remove the next entry for replies of a former backend; 0:
 * there are no such entries. */
unsigned int apply_due(const char *instance);

/* Returns the hash of everything that the map's contents depend on: routes, rules, links and the
 * map itself; 0: there is no such map. */
__u64 uniform_hash(const char *instance, const struct host *h);
/* Reads the host and writes the map. Returns its hash, or 0 if that failed. */
__u64 uniform_write(const char *instance);

/* If a command has changed `old`, prints in one line what loading `new` changes. old: the
 * configuration before; NULL: none. done: `new` is loaded already. Returns whether it printed
 * anything. */
bool undone_report(const struct config *old, const struct config *new, bool done);
