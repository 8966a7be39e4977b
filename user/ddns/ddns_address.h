/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Decides which addresses of an interface are suitable for publishing in DNS. ddns.c and unit tests
 * include it.
 */
#pragma once
#include "net/netlink.h"

/* Returns why an address must not be published, in words that follow "ADDRESS is"; NULL: it may
 * be. */
const char *ddns_unfit(const struct nl_address *a);
/* Finds the addresses of an interface that may be published, the best first. Leaves out those in
 * prefixes that no router renews any more. host: its last 64 bits replace those of IPv6 addresses;
 * family 0: none. The caller frees *ret. */
void ddns_candidates(const struct nl_address *list, size_t n, __u32 ifindex, __u8 family,
		     const struct address *host, struct address **ret, size_t *ret_n);
/* Returns the first address of `list` that is published already, or NULL. */
const struct address *ddns_still(const struct address *list, size_t n,
				 const struct address *published, size_t n_published);
