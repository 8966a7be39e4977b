/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Looks up all addresses of a name, of both families, once. `endpoint`, `mtu` and the daemon's
 * endpoints choose from them.
 */
#pragma once
#include <uv.h>
#include "lib/addr.h"

#define LOOKUP_TTL_MIN 1		/* shortest TTL that is used, in seconds */
#define LOOKUP_TTL_MAX 86400
/* TTL in seconds for names from /etc/hosts, for an address instead of a name, and instead of a TTL
 * of 0. */
#define LOOKUP_TTL_HOSTS 30

struct lookup_answer {
	/* Addresses of the name: IPv6 first, each family in the order of the answer. Duplicates and
	 * addresses that no host can have, such as IPv4-mapped ones, are left out. */
	struct address *list;
	size_t n;
	unsigned int ttl;		/* shortest TTL of all records, in seconds */
	/* Reason why the addresses of IPv6, and of IPv4, are unknown: no server answered. NULL:
	 * they are known, or there are none. */
	const char *failed[2];
};

struct lookup;

/* Starts a lookup. done() is called later with the answer, whose list is valid only during that
 * call. Returns 0 or -ENOMEM. */
typedef void lookup_done(void *data, const struct lookup_answer *answer);
int lookup_start(uv_loop_t *loop, const char *name, lookup_done *done, void *data,
		 struct lookup **ret);
/* Cancels the lookup. The callback done() will not run. */
void lookup_cancel(struct lookup *l);
