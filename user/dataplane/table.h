/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The writer's half of the generic table (bpf/table.h has the reader's). Readers take no lock. They
 * must never see a torn entry, nor miss one that is there before and after a change. So an entry is
 * written while its tag is 0, and one store publishes it. An old one is unpublished only when every
 * reader that might have looked before the publication has ended. Its place is reused only when
 * every reader that might hold it has ended.
 */
#pragma once
#include <stddef.h>
#include "abi.h"

struct table {
	struct table_bucket *buckets;	/* shared with the data path */
	__u32 n;			/* a power of two */
	void (*grace)(void); /* returns when every reader that ran when it was called has ended */
};

/* Waits for all readers in the kernel, as synchronize_rcu() does (membarrier(2)). */
void table_grace(void);

/* Makes the table hold exactly want[0..n-1], whose keys are unique, and sets their tags. Publishes
 * new and changed entries first, then removes the others. That takes two grace periods whatever the
 * number: one if nothing was published, none if nothing differs. Returns the number of entries
 * written (a changed one counts once) or removed; or -ENOSPC, with every entry that was in the
 * table as it was. */
int table_sync(struct table *t, struct table_entry *want, size_t n);

/* The entry of a key, as the data path finds it, or NULL. */
const struct table_entry *table_lookup(const struct table *t, const struct table_key *key);

/* Buckets for n entries with room to change all of them at once: twice the places, a power of two,
 * at least 256. */
__u32 table_size(size_t n);
