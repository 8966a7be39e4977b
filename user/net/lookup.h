/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Looks up all addresses of a name, of both families, once. `endpoint`, `mtu` and the daemon's
 * endpoints choose from them.
 */
#pragma once
#include <uv.h>
#include "lib/addr.h"

#define LOOKUP_TTL_MAX 86400		/* seconds */
/* TTL in seconds for what has none: names from /etc/hosts, addresses, and a TTL of 0. */
#define LOOKUP_TTL_HOSTS 30

struct lookup_answer {
	/* IPv6 first, each family in the order of the answer. Without duplicates and addresses that
	 * no host can have, such as IPv4-mapped ones. */
	struct address *list;
	size_t n;
	unsigned int ttl;		/* lowest TTL of the records, in seconds */
	/* For IPv6 and IPv4: why its addresses are unknown (no server answered, or no host can have
	 * the address in the answer). NULL: they are known, or there are none. */
	const char *failed[2];
};

struct lookup;

/* Starts a lookup. done() is called later with the answer, whose list is valid only during that
 * call. Returns 0 or -errno. */
typedef void lookup_done(void *data, const struct lookup_answer *answer);
int lookup_start(uv_loop_t *loop, const char *name, lookup_done *done, void *data,
		 struct lookup **ret);
/* Cancels the lookup. The callback done() will not run. */
void lookup_cancel(struct lookup *l);
