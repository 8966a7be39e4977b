/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The lists of clients that other programs keep (include/abi_lists.h), as a part of
 * service_admits(). A lookup in a trie of a million prefixes costs hundreds of nanoseconds. So the
 * bits in list_hints are read first: for nearly all clients they say that no list has the client.
 *
 * Reads:  s->service, family, src, quote; the maps control, service_lists, list_hints, lists.
 */
#pragma once

#include "step.h"

INLINE bool list_hint_is_set(__u64 top, __u32 level, bool is_ipv6)
{
	__u32 bits = list_level_bits(level, is_ipv6);
	__u64 bit = list_hint(top >> (64 - bits), level, is_ipv6, learned_secret.factor);
	__u32 place = bit >> 9 & list_hints_mask;
	const struct list_hints *h = bpf_map_lookup_elem(&list_hints, &place);

	return h && h->bits[bit >> 6 & 7] >> (bit & 63) & 1;
}

/* Returns whether a list may have a prefix with this client. */
INLINE bool lists_may_have(const struct addr *client, bool is_ipv6, __u32 levels)
{
	bool found = false;

	if (is_ipv6) {
		__u64 top = bpf_be64_to_cpu(client->q[0]);

		for (__u32 level = 0; level < LIST_LEVELS; level++)
			found |= levels >> level >> LIST_LEVELS & 1 &&
				 list_hint_is_set(top, level, true);
	} else {
		__u64 top = (__u64)bpf_ntohl(client->w[3]) << 32;

		for (__u32 level = 0; level < LIST_LEVELS; level++)
			found |= levels >> level & 1 && list_hint_is_set(top, level, false);
	}
	return found;
}

/* Returns the client of an original. For an ICMP error, it is the quoted packet's sender, not the
 * router that reports the error. */
INLINE struct addr listed_client(const struct pkt_state *s)
{
	return s->is_quote ? s->quote.dst : s->src;
}

/* Returns a reason or 0 if a list of the service denies or allows the client; LISTS_SILENT: none
 * does. */
#define LISTS_SILENT 1
INLINE int lists_admit_step(struct pkt_state *s)
{
	__u32 id = s->service.id;
	const struct service_lists *l = bpf_map_lookup_elem(&service_lists, &id);
	const struct control *c = control_find();
	bool is_ipv6 = s->family == FAMILY_IPV6;
	struct source_key key = { .prefixlen = 32 + 128, .addr = listed_client(s) };

	if (!l || !lists_may_have(&key.addr, is_ipv6, c->list_levels))
		return LISTS_SILENT;
	for (__u32 i = 0; i < LISTS_EACH && i < l->n; i++) {
		key.id = bpf_htonl(list_key_id(l->id[i], is_ipv6));
		if (bpf_map_lookup_elem(&lists, &key))
			return i < l->n_deny ? -DROP_denied : 0;
	}
	return LISTS_SILENT;
}
STATE_STEP(with_followed_lists, lists_admit)
