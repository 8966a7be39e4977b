/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Decides when the daemon saves the sites of the blind relay with sites_save(). A child process
 * does it while the daemon goes on, because there may be a million sessions. blind.c includes it.
 */
#pragma once
#include "daemon/blind_sites.h"
#include "daemon/child.h"

struct saver {
	uv_loop_t *loop;
	const struct sites *sites;
	struct child *child;		/* NULL: none is running */
	bool due;			/* the sites have changed since the last child began */
	uint64_t began, ended;	/* beginning and end of the last child, in ms */
};

/* Saves the sites in a child. Does so later, in saver_tick(), if a child is running or has run just
 * now. */
void saver_begin(struct saver *s);
/* Call it once a second. */
void saver_tick(struct saver *s);
/* Saves the sites before it returns. Ends a child first, which would replace them by older ones.
 * Returns 0, or -errno after printing an error. */
int saver_now(struct saver *s);
