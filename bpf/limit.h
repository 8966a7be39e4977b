/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Rate limits: a burst at once, and then one event per interval. The state of a limit is one
 * number: the time, in ticks (include/abi_guard.h), up to which the limit is used. The guard, the
 * blind relay and the ICMP errors use it.
 */
#pragma once

#include "step.h"

/* Charges one event to the limit that is used up to *until; struct guard explains each and burst.
 * Returns false if the limit is exhausted. Several CPUs may call it at once. */
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

