/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The files in /run/wgxdp/INSTANCE that the daemon shares with commands. It reads running.yaml
 * again after a command wrote it. The file `daemon` names the daemon's configuration and is locked,
 * so that an instance has only one daemon. Only daemon.c includes it.
 */
#pragma once
#include <stdbool.h>
#include <sys/stat.h>
#include "config/config.h"

struct daemon_state {
	/* Names of the instance and of its file; file NULL: the running configuration has none. */
	const char *instance, *file;
	struct config *config;		/* the running configuration */
	struct stat config_is;		/* stat() of running.yaml at its last read or write */
	__u32 text;			/* config_text_id() of the running text at the same time */
	ino_t directory;
	int lock_fd;			/* fd of the locked file; -1: not locked */
};

/* Becomes the instance's only daemon. *ret_again: a daemon of the same file left the running
 * instance, and the file has not changed since. Returns 0, -EBUSY if there is another daemon, or
 * -errno (reported). */
int daemon_state_hold(struct daemon_state *s, bool *ret_again);
/* Returns whether the running text, running.yaml or its directory changed since the last read or
 * write */
bool daemon_state_changed(const struct daemon_state *s);
/* Returns whether `down` removed the file `daemon`. */
bool daemon_state_dropped(const struct daemon_state *s);
/* Reads into s->config the configuration that runs or should run. The pins may be gone without
 * `down`, for example when bpffs was unmounted. The caller holds the instance's lock. Returns 1, 0
 * if the daemon must end, because of `down` or of another daemon, or -errno (reported). */
int daemon_state_read(struct daemon_state *s);
/* Makes the applied configuration c the running one, s->config. The caller holds the lock. */
void daemon_state_take(struct daemon_state *s, struct config *c);
