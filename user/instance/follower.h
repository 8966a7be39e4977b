/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Tells whether a daemon follows an instance. The daemon holds a lock on /run/wgxdp/INSTANCE/daemon
 * while it runs, and other processes test this lock without taking it. cmd/, daemon/, doctor/,
 * exporter/ and show/ include it.
 */
#pragma once
#include <linux/types.h>
#include "config/config.h"

/* Locks the file `daemon` of an instance. Waits up to three seconds for the children of a daemon
 * that has ended, because they share its lock. Returns 0, -EWOULDBLOCK if another daemon has locked
 * it, or another -errno. */
int follower_hold(int fd);
/* Unlocks it when the daemon ends, also for children that still run. */
void follower_leave(int fd);
/* Tells the daemon of an instance that is taken down to end, by a mark in its file `daemon`, and
 * removes that file. The daemon may notice this only after the next `up` or `daemon`. */
void follower_dismiss(const char *instance);
/* Returns whether follower_dismiss() has put its mark into the file that fd has open and locked. */
bool follower_is_dismissed(int fd);
/* Returns whether a daemon runs. *ret_since: when it started, in seconds since 1970; 0: none
 * runs. */
bool follower_runs(const char *instance, __s64 *ret_since);
/* Returns the name of a section in the configuration that needs the daemon, such as "endpoints", or
 * NULL. */
const char *follower_needed(const struct config *c);
