/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The running configuration of an instance: /run/wgxdp/INSTANCE/running.yaml, replaced by rename, and the lock that every
 * writer holds from reading to its last map write.
 */
#pragma once
#include "config/config.h"
#include "lib/paths.h"

/* Waits for other commands of the instance; the lock is held until the fd is closed. fd, or -errno, told. */
int state_lock(const char *instance);
/* Writes what is to run beside running.yaml. Once control has the hash, that is once the maps are as it says, it is what runs,
 * even if the command is killed before state_settle() gives it its name. 0 or -errno, told. */
int state_prepare(const char *instance, const struct config *c, __u32 *ret_hash);
/* Under the lock: what was prepared, by whomever, becomes running.yaml if it runs, and else goes. 0 or -errno, told. */
int state_settle(const char *instance);
/* running.yaml anew, where the maps are as it says */
int state_write(const char *instance, const struct config *c);
/* A reload failed, until a configuration comes to run */
void state_note_failure(const char *instance);
bool state_failed(const char *instance);
/* -ENOENT: none, or lost */
int state_read(const char *instance, struct config **ret);
/* The configuration goes, and what a daemon has noted; the lock's file stays, for another may wait for it */
void state_remove(const char *instance);
