/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * All addresses of a name, of both families, looked up once. `endpoint`, `mtu` and the daemon's
 * endpoints choose from them.
 */
#pragma once
#include <uv.h>
#include "lib/addr.h"

#define LOOKUP_TTL_MIN 1		/* seconds */
#define LOOKUP_TTL_MAX 86400
/* for /etc/hosts, for an address instead of a name, and for a TTL of 0 */
#define LOOKUP_TTL_HOSTS 30

struct lookup_answer {
	/* IPv6 first, each family in the answer's order, without doubles and without impossible
	 * addresses, such as IPv4-mapped ones. */
	struct address *list;
	size_t n;
	unsigned int ttl;		/* seconds, the shortest of all */
	/* IPv6, IPv4: why its addresses are unknown if no server answered; NULL: they are known, or
	 * there are none. */
	const char *failed[2];
};

struct lookup;

/* The loop calls done() later with the answer, whose list lives for that call. 0 or -ENOMEM. */
typedef void lookup_done(void *data, const struct lookup_answer *answer);
int lookup_start(uv_loop_t *loop, const char *name, lookup_done *done, void *data,
		 struct lookup **ret);
/* Cancels; done() will not run. */
void lookup_cancel(struct lookup *l);
