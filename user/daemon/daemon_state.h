/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What the daemon shares with commands in /run/wgxdp/INSTANCE: running.yaml, which it reads again when others have written it,
 * and the file `daemon`, which names the configuration that it serves; locked, so that there is one daemon an instance.
 */
#pragma once
#include <stdbool.h>
#include <sys/stat.h>
#include "config/config.h"

struct daemon_state {
	const char *instance, *file;	/* file: NULL where what runs has none */
	struct config *config;		/* what runs */
	struct stat config_is;		/* running.yaml, as it was last read or written */
	__u32 text;			/* and the text in the kernel (config_text_id()) */
	ino_t directory;
	int held;			/* fd of the locked file; -1: none */
};

/* Becomes the instance's only daemon. ret_again: what runs is what a daemon of the same file left behind, and the file has not
 * changed since. -EBUSY: another is there. 0 or -errno, told. */
int daemon_state_hold(struct daemon_state *s, bool *ret_again);
/* Whether the running text, running.yaml or its directory is another than at the last read or write */
bool daemon_state_changed(const struct daemon_state *s);
/* Whether `down` has taken the file `daemon` away */
bool daemon_state_dropped(const struct daemon_state *s);
/* To be called under the instance's lock: s->config becomes what runs, or is to: pins may be gone without `down`, as where bpffs was
 * unmounted. 1; 0: nothing runs any more; -errno, told. */
int daemon_state_read(struct daemon_state *s);
/* c was brought to run (apply.h), and becomes s->config. Under the lock. */
void daemon_state_take(struct daemon_state *s, struct config *c);
