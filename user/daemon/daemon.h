/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The daemon keeps the data path as the configuration says, when the kernel, DNS or other commands
 * change something. cmd_daemon.c and cmd_knock.c include it.
 */
#pragma once
#include <sys/stat.h>
#include "config/config.h"

/* Runs the daemon until a signal or `down` ends it, and returns the program's exit code. file NULL:
 * the daemon follows the running configuration. */
int daemon_run(const char *instance, const char *file);

/* ---- its state ----
 * The files in /run/wgxdp/INSTANCE that the daemon shares with commands. It reads running.yaml
 * again after a command wrote it. The daemon locks the file `daemon`, so that an instance has
 * only one. That file names the configuration file, once it was applied. */

struct daemon_state {
	/* file: name of the configuration file; NULL: the daemon was started without one */
	const char *instance, *file;
	struct config *config;		/* the running configuration */
	struct stat config_is;		/* stat() of running.yaml at its last read or write */
	__u32 text;			/* config_text_id() of the running text at the same time */
	ino_t directory;
	int lock_fd;			/* fd of the locked file; -1: not locked */
};

/* Becomes the only daemon of the instance, by locking its file `daemon`. *ret_again: a daemon with
 * the same file left the running instance, and the file has not changed since. Returns 0, -EBUSY if
 * another daemon has the lock, or another -errno after printing an error. */
int daemon_state_hold(struct daemon_state *s, bool *ret_again);
/* Returns whether the running text, running.yaml or its directory changed since the last call that
 * read or wrote them. */
bool daemon_state_changed(const struct daemon_state *s);
/* Returns whether `down` removed the file `daemon`, which tells this daemon to end. */
bool daemon_state_dropped(const struct daemon_state *s);
/* Reads into s->config the configuration that runs, or that should run but whose pins are gone, for
 * example because bpffs was unmounted. The caller holds the instance's lock. Returns 1, 0 if the
 * daemon must end (`down`, or another daemon took over), or -errno after printing an error. */
int daemon_state_read(struct daemon_state *s);
/* Records that c, from our file, was applied: it becomes s->config, which owns it. The caller holds
 * the lock. */
void daemon_state_take(struct daemon_state *s, struct config *c);
