/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The running configuration of an instance: /run/wgxdp/INSTANCE/running.yaml, replaced by rename, and the lock that every
 * writer holds from reading to its last map write.
 */
#pragma once
#include "config.h"

#define STATE_DIR "/run/wgxdp"

/* Waits for other commands of the instance; the lock is held until the fd is closed. fd, or -errno, told. */
int state_lock(const char *instance);
int state_write(const char *instance, const struct config *c);
/* Path of a file of the instance's, as "running.yaml"; "": its directory */
#define STATE_PATH_LEN 128
void state_path(char path[STATE_PATH_LEN], const char *instance, const char *name);
/* A reload failed, until the next state_write() */
void state_note_failure(const char *instance);
bool state_failed(const char *instance);
/* -ENOENT: none, or lost */
int state_read(const char *instance, struct config **ret);
/* The configuration goes, and what a daemon has noted; the lock's file stays, for another may wait for it */
void state_remove(const char *instance);
