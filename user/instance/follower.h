/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Whether a daemon follows an instance. The daemon holds a lock on /run/wgxdp/INSTANCE/daemon while
 * it runs; others ask for it without taking it. The daemon, show/ and doctor/ include it.
 */
#pragma once
#include <linux/types.h>
#include <stdbool.h>
#include "config/config.h"

/* Takes the lock of an open file. 0; -EWOULDBLOCK: another daemon has it; or another -errno. */
int follower_hold(int fd);
/* Whether a daemon runs, and since when, in seconds since 1970 (0: none runs). */
bool follower_runs(const char *instance, __s64 *ret_since);
/* Names a section of the configuration that only a daemon does anything for, as "endpoints"; NULL:
 * there is none. */
const char *follower_needed(const struct config *c);
