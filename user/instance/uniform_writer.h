/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Keeps the map `uniform` as the kernel's routes are (plan/uniform.h), block by block between the
 * other work of the daemon. It writes nothing if neither routes, rules nor links have changed.
 * apply and the daemon include it.
 */
#pragma once
#include "net/host.h"

struct uniform_work;
struct uniform_writer {
	__u64 hash;	/* hash of the routes that the map has, or has when the work is done */
	struct uniform_work *work;	/* NULL: nothing remains to be written */
	int map, control;		/* fds of the maps, while there is work */
	bool written;			/* a place of the map was changed */
};

/* Prepares writing if routes, rules, links or the map have changed since the last call. Work that
 * was left is dropped. */
void uniform_writer_begin(struct uniform_writer *w, const char *instance, const struct host *h);
/* Writes the next block. Returns whether there is more to write. */
bool uniform_writer_next(struct uniform_writer *w);
