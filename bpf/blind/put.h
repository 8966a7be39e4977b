/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The program wgxdp_blind_put: writes entries that user space has received from another relay, or
 * has saved, into the maps sessions and hints. User space cannot take blind_lock itself.
 */
#pragma once

#include "blind/sessions.h"

/* Writes one entry, as blind_put_in() does. Returns 0, or a negative value if there is no place. A
 * global function, so that the verifier walks it once and not for each entry. */
__attribute__((noinline)) int blind_put_one(__u32 hint, __u32 origin, __u64 key, __u64 value)
{
	struct blind_work w = {
		.now = bpf_jiffies64(), .key = key, .value = value, .origin = origin, .even = true,
	};

	if (!with_blind)
		return -1;
	return hint ? blind_put_in(&hints, &w) : blind_put_in(&sessions, &w);
}

/* Writes the entries in the packet behind its Ethernet header. Returns how many had a place. */
INLINE int blind_put_all(struct __sk_buff *ctx)
{
	struct blind_put put;
	int n = 0;

	for (int i = 0; i < BLIND_PUTS; i++) {
		if (bpf_skb_load_bytes(ctx, ETH_HLEN + i * sizeof(put), &put, sizeof(put)))
			break;
		n += !blind_put_one(put.hint, put.origin, put.key, put.value);
	}
	return n;
}
