/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The writer's half of the generic table (bpf/table.h has the reader's). Readers take no lock and must never see a torn entry,
 * nor miss one that is there before and after: an entry is written while its tag is 0 and published by one store; an old one
 * is unpublished only when every reader that might have looked before the publication has ended, and its place is reused only
 * when every reader that might hold it has.
 */
#pragma once
#include <stddef.h>
#include "abi.h"

struct table {
	struct table_bucket *buckets;	/* shared with the data path */
	__u32 n;			/* a power of two */
	void (*grace)(void);		/* returns when every reader that ran when it was called has ended */
};

/* Waits for all readers in the kernel, as synchronize_rcu (membarrier(2)). */
void table_grace(void);

/* Makes the table hold exactly want[0..n-1] (their tags are set here): new and changed entries are published first, then what
 * is no longer wanted goes, in two grace periods whatever the number (one where nothing was published, none where nothing
 * differs). Returns the number of
 * entries written (a changed one counts once) or removed, or -ENOSPC with the table as it was for every entry that was in it. Keys in want are unique. */
int table_sync(struct table *t, struct table_entry *want, size_t n);

/* The entry of a key, or NULL: as the data path finds it. */
const struct table_entry *table_lookup(const struct table *t, const struct table_key *key);

/* Buckets for n entries with room to change all of them at once: twice the places, a power of two, at least 256. */
__u32 table_size(size_t n);
