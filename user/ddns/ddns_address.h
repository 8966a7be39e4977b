/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Decides which addresses of an interface are suitable for publishing in DNS. ddns.c and unit tests
 * include it.
 */
#pragma once
#include "net/netlink.h"

/* Returns why an address is unsuitable, in words that follow "ADDRESS is", or NULL if it is
 * suitable. */
const char *ddns_unfit(const struct nl_address *a);
/* Finds the suitable addresses of an interface, the best first. The caller frees *ret. host: the
 * last 64 bits that replace those of IPv6 addresses; family 0: none. Returns 0 or -ENOMEM. */
int ddns_candidates(const struct nl_address *list, size_t n, __u32 ifindex, __u8 family,
		    const struct address *host, struct address **ret, size_t *ret_n);
/* Returns the first published address that is in the list, or NULL. */
const struct address *ddns_still(const struct address *list, size_t n,
				 const struct address *published, size_t n_published);
