/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Writes the generic table, which BPF programs read without a lock (bpf/table.h). A reader must
 * never see a half-written entry, nor miss an entry that is in the table before and after a change.
 * So a new entry is written while its tag is 0, and one store of the tag publishes it. An old entry
 * is unpublished only after all readers that may have searched before that publication have ended.
 * Its place is reused only after all readers that may still use it have ended. dataplane/, daemon/
 * and show/ include it.
 */
#pragma once
#include <stddef.h>
#include "abi.h"

struct table {
	struct table_bucket *buckets;	/* buckets of the table, shared with the BPF programs */
	__u32 n;			/* number of buckets, a power of two */
	/* Waits until all readers that were running at the call have ended. */
	void (*grace)(void);
};

/* Waits for all readers in the kernel, like synchronize_rcu(), with membarrier(2). If the kernel
 * refuses membarrier, it waits longer than any reader runs. */
void table_grace(void);

/* Makes the table contain exactly want[0..n-1], whose keys are unique, and sets their tags. It
 * publishes new and changed entries first, and removes old ones two grace periods later, however
 * many they are; one if nothing was published. Returns the number of entries that were written (a
 * changed one counts once) or removed. If there is no room, it returns -ENOSPC and leaves the table
 * as it was. */
int table_sync(struct table *t, struct table_entry *want, size_t n);

/* Returns the entry with a key, as the data path would find it, or NULL. */
const struct table_entry *table_lookup(const struct table *t, const struct table_key *key);

/* Returns the number of buckets for n entries: a power of two, at least 256, with twice the places,
 * so that all entries can change at once. */
__u32 table_size(size_t n);

/* Reads the entries of a map of struct table_bucket into a list, which the caller must free.
 * Returns 0 or -errno. */
int table_read(int map, struct table_entry **ret, size_t *ret_n);
