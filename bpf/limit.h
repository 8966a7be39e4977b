/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Limits: so many at once, and as many again after a while. One number keeps a limit: the time, in
 * ticks (include/abi_guard.h), up to which it is used.
 */
#pragma once

#include "step.h"

/* Takes one of a limit that is used up to *until, as struct guard says.
 * Returns false where none is left. Several CPUs may take from it. */
INLINE bool limit_take(__u64 *until, __u64 each, __u64 burst, __u64 now)
{
#pragma clang loop unroll(full)
	for (int i = 0; i < 4; i++) {
		__u64 old = *(volatile __u64 *)until, from = old > now ? old : now;

		if (from + each > now + burst * each)
			return false;
		if (__sync_val_compare_and_swap(until, old, from + each) == old)
			return true;
	}
	return false;
}

