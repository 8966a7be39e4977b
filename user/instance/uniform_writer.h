/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Keeps the map `uniform` as the kernel's routes are (plan/uniform.h). It writes nothing if neither
 * routes, rules nor links have changed. apply.c and the daemon include it.
 */
#pragma once
#include "net/host.h"

/* Returns the hash of everything that the map's contents depend on: routes, rules, links and the
 * map itself; 0: there is no such map. */
__u64 uniform_hash(const char *instance, const struct host *h);
/* Reads the host and writes the map. Returns its hash, or 0 if that failed. */
__u64 uniform_write(const char *instance);
