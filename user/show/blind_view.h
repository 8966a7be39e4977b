/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The state of the running blind relay, read from the maps. Included by show_sites.c and top.c.
 */
#pragma once
#include "dataplane/dataplane.h"
#include "lib/wg_key.h"

struct blind_view_site {		/* name "": a free number */
	char name[NAME_LEN];
	struct wg_key key;
	struct address endpoint;	/* family 0: not authenticated */
	__be16 port;
	__u64 since;			/* when it got this endpoint, in seconds since 1970 */
	__u64 challenges;
	bool waited_for;		/* an initiation waits for it */
};

/* Counts packets that `from` sent to `to`. sessions: valid indices that `to` gave out for `from` */
struct blind_view_pair {
	__u64 packets, bytes, sessions;
};

struct blind_view {
	struct blind_view_site *sites;	/* indexed by number; 0 is this host */
	__u32 n;
	struct blind_view_pair *pairs;	/* from * n + to */
	__u64 refused, challenges;
};

/* Returns 0 or -errno. n 0: there is no blind relay. */
int blind_view_read(const struct dataplane *dp, struct blind_view *ret);
void blind_view_free(struct blind_view *v);
static inline const struct blind_view_pair *blind_view_pair(const struct blind_view *v, __u32 from,
							    __u32 to)
{
	return &v->pairs[(size_t)from * v->n + to];
}
