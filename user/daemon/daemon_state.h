/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The files that the daemon shares with commands in /run/wgxdp/INSTANCE. It reads running.yaml
 * again after commands wrote it. The file `daemon` names the daemon's configuration, and is locked,
 * so that an instance has one daemon. Only daemon.c includes it.
 */
#pragma once
#include <stdbool.h>
#include <sys/stat.h>
#include "config/config.h"

struct daemon_state {
	const char *instance, *file;	/* file NULL: what runs was not made from one */
	struct config *config;		/* the running configuration */
	struct stat config_is;		/* running.yaml at the last read or write */
	__u32 text;			/* config_text_id() of the text in the kernel */
	ino_t directory;
	int lock_fd;			/* fd of the locked file; -1: none */
};

/* Becomes the instance's only daemon. *ret_again: what runs was left by a daemon of the same file,
 * and the file has not changed since. Returns 0, -EBUSY if there is another daemon, or -errno
 * (reported). */
int daemon_state_hold(struct daemon_state *s, bool *ret_again);
/* Returns whether the running text, running.yaml or its directory changed since the last read or
 * write */
bool daemon_state_changed(const struct daemon_state *s);
/* Returns whether `down` removed the file `daemon` */
bool daemon_state_dropped(const struct daemon_state *s);
/* Under the instance's lock: s->config becomes the configuration that runs or should run. Pins may
 * be gone without `down`, e.g. when bpffs was unmounted. Returns 1, 0 if nothing runs any more, or
 * -errno (reported). */
int daemon_state_read(struct daemon_state *s);
/* Under the lock: c was applied and becomes s->config */
void daemon_state_take(struct daemon_state *s, struct config *c);
