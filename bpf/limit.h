/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Rate limits, which the guard, the blind relay and the ICMP errors use. include/abi_guard.h
 * explains at struct guard how a single number, a time in ticks, is the state of a limit.
 */
#pragma once

#include "step.h"

/* Charges one event to the limit whose state is *until. Returns false if the limit is exhausted.
 * Several CPUs may call it at once. Two attempts are enough, because only events within the limit
 * change *until. */
INLINE bool limit_charge(__u64 *until, __u64 each, __u64 burst, __u64 now)
{
#pragma clang loop unroll(full)
	for (int i = 0; i < 2; i++) {
		__u64 old = *(volatile __u64 *)until, from = old > now ? old : now;

		if (from + each > now + burst * each)
			return false;
		if (__sync_val_compare_and_swap(until, old, from + each) == old)
			return true;
	}
	return false;
}

