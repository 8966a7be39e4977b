/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * All addresses of a name, of both families, asked for once: what `wgxdp endpoint` and the daemon's endpoints choose from.
 */
#pragma once
#include <uv.h>
#include "lib/addr.h"

#define LOOKUP_TTL_MIN 1		/* seconds */
#define LOOKUP_TTL_MAX 86400
#define LOOKUP_TTL_HOSTS 30		/* of /etc/hosts, of an address in the place of a name, and of a TTL of 0 */

struct lookup_answer {
	struct address *list;		/* IPv6 first, each family in its order; none twice, no IPv4-mapped or otherwise impossible one */
	size_t n;
	unsigned int ttl;		/* seconds, the shortest of theirs */
	const char *failed[2];		/* of IPv6, of IPv4: why nothing is known of them, as no server answered; NULL: there are those, or none */
};

struct lookup;

/* The answer is given to `done` later, from the loop; its list lives for that call. 0 or -ENOMEM. */
typedef void lookup_done(void *data, const struct lookup_answer *answer);
int lookup_start(uv_loop_t *loop, const char *name, lookup_done *done, void *data, struct lookup **ret);
/* Before it is done: it will not be */
void lookup_cancel(struct lookup *l);
