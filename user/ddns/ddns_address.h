/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Which of an interface's addresses may be published in DNS, and which is.
 */
#pragma once
#include "net/netlink.h"

/* What keeps an address from being published, in words that follow it; NULL: nothing */
const char *ddns_unfit(const struct nl_address *a);
/* Those of the interface that may be, the best first. host: of family 0, or the last 64 bits that an IPv6 address then has. An
 * array for free(). 0 or -ENOMEM. */
int ddns_candidates(const struct nl_address *list, size_t n, __u32 ifindex, __u8 family, const struct address *host,
		    struct address **ret, size_t *ret_n);
/* The first of the published ones that is one of these; NULL: none is */
const struct address *ddns_still(const struct address *list, size_t n, const struct address *published, size_t n_published);
