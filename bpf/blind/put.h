/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The program wgxdp_blind_put: writes entries that user space has received from the other relay of
 * a pair, or has saved, into the maps sessions and hints. User space cannot take blind_lock itself.
 */
#pragma once

#include "blind/index.h"

/* Removes an index from both maps, if w->origin gave it out for `user`. */
INLINE int blind_put_removal(struct blind_work *w, __u32 user)
{
	int rc = blind_put_in(&sessions, w);

	w->key = BLIND_KEY(0, (__u32)w->key);
	w->origin = user;
	blind_put_in(&hints, w);
	return rc;
}

/* Enters the confirmed index of a session between two sites among the hints, unless two sites use
 * it. */
INLINE void blind_put_hint(struct blind_work *w, __u32 user)
{
	w->key = BLIND_KEY(0, (__u32)w->key);
	w->value = BLIND_VALUE(BLIND_UNTIL(w->value), user, BLIND_CONFIRMED);
	if (!blind_value(blind_find_in(&hints, w->key), w->key, w->now))
		blind_put_in(&hints, w);
}

/* Writes or removes one entry, as struct blind_put says. Returns 0, or a negative value if there is
 * no place. A global function, so that the verifier walks it once and not for each entry. It does
 * not use the CPU's struct pkt_state, to which a packet on this CPU may write at any time. */
__attribute__((noinline)) int blind_put_one(__u64 key, __u64 value, __u32 origin)
{
	struct blind_work w = {
		.now = bpf_jiffies64(), .key = key, .value = value, .origin = origin, .even = true,
	};
	__u32 user = BLIND_USER(key);
	bool is_new;

	if (!with_blind)
		return -1;
	if (!value)
		return blind_put_removal(&w, user);
	is_new = value & BLIND_CONFIRMED && BLIND_ORIGIN(value) && user &&
		 !(blind_value(blind_find_in(&sessions, key), key, w.now) & BLIND_CONFIRMED);
	if (blind_put_in(&sessions, &w))
		return -1;
	if (is_new)
		blind_put_hint(&w, user);
	return 0;
}

/* Writes the entries in the packet behind its Ethernet header. An entry without a place is left
 * out. */
INLINE void blind_put_all(struct __sk_buff *ctx)
{
	struct blind_put put;

	for (int i = 0; i < BLIND_PUTS; i++) {
		if (bpf_skb_load_bytes(ctx, ETH_HLEN + i * sizeof(put), &put, sizeof(put)))
			break;
		blind_put_one(put.key, put.value, put.origin);
	}
}
