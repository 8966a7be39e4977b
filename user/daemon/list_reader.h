/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Reads a list of clients in a child process, because reading, sorting and comparing a large list
 * takes seconds. The result is what has to be written to the map `lists`. lists.c includes it.
 */
#pragma once
#include <uv.h>
#include "config/config.h"
#include "net/nft_set.h"

struct list_difference {
	int rc;				/* result of list_read() */
	struct nft_set_kind kind;	/* for a set of nftables */
	__u32 skipped;			/* lines or elements that were left out */
	__u32 used;			/* CPU time of the reading, in ms */
	/* Number of prefixes in the list, of those to add, and of those to remove. */
	size_t n, n_add, n_del;
	struct source_key keys[];	/* prefixes to add, then those to remove */
};

struct list_reader;

/* Called in the daemon's loop. d: NULL if the child has failed; the callee frees it with
 * list_difference_free(). */
typedef void list_read_done(void *data, struct list_difference *d);

/* Starts reading. id: the list's id in the maps. The result exists until done() is called. */
struct list_reader *list_reader_start(uv_loop_t *loop, const char *instance,
				      const struct list_config *from, __u32 id,
				      list_read_done *done, void *data);
/* Ends reading. done() is not called. */
void list_reader_stop(struct list_reader *r);
/* Returns an empty difference with room for n keys. */
struct list_difference *list_difference_new(size_t n);
void list_difference_free(struct list_difference *d);
