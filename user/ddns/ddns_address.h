/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Which of an interface's addresses are fit for publishing in DNS. For ddns.c and unit tests.
 */
#pragma once
#include "net/netlink.h"

/* Returns why an address is unfit, as words to follow "ADDRESS is"; NULL: it is fit */
const char *ddns_unfit(const struct nl_address *a);
/* Returns the fit addresses of the interface, the best first, in an array for free(). host: family
 * 0, or the last 64 bits to give to IPv6 addresses. 0 or -ENOMEM. */
int ddns_candidates(const struct nl_address *list, size_t n, __u32 ifindex, __u8 family,
		    const struct address *host, struct address **ret, size_t *ret_n);
/* Returns the first published address that is in the list; NULL: none is */
const struct address *ddns_still(const struct address *list, size_t n,
				 const struct address *published, size_t n_published);
