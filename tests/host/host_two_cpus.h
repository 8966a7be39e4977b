/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Another CPU, for tests of tables that several write: one CPU runs up to its n-th change of a word
 * (bpf/learned.h), there the other one runs as a whole, and then the first goes on. To be included
 * before all that includes the data path.
 */
#ifndef HOST_TWO_CPUS_H
#define HOST_TWO_CPUS_H

#ifndef WGXDP_HOST
#define WGXDP_HOST
#endif
#define OWN_PATH
#include <linux/types.h>
#include <stdbool.h>

static void (*other_cpu)(void);		/* NULL: has run */
static int changes_before;

static inline void before_change(void)
{
	void (*run)(void) = other_cpu;

	if (!run || changes_before-- > 0)
		return;
	other_cpu = 0;
	run();
}

#define learned_cas(word, from, to) \
	(before_change(), __sync_val_compare_and_swap((word), (from), (to)) == (from))
#define learned_store(word, to) (before_change(), (void)__sync_lock_test_and_set((word), (to)))

#endif
