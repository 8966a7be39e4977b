/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The state of the running blind relay, read from the maps. show_sites.c and top.c include it.
 */
#pragma once
#include "dataplane/dataplane.h"
#include "lib/wg_key.h"

struct blind_view_site {		/* name "": no site has the number */
	char name[NAME_LEN];
	struct wg_key key;
	struct address endpoint;	/* as WireGuard authenticated it; family 0: none */
	__be16 port;
	__u64 since;	/* time since which it has this endpoint, in seconds since 1970 */
	__u64 challenges;
	bool waited_for;		/* a message waits until its address is known */
};

/* Traffic from the site `from` to the site `to`. sessions: valid receiver indices that `to` has
 * given to `from`. */
struct blind_view_pair {
	__u64 packets, bytes, sessions;
};

struct blind_view {
	struct blind_view_site *sites;	/* indexed by number; 0 is this host */
	__u32 n;
	struct blind_view_pair *pairs;	/* at index from * n + to */
	__u64 refused, challenges;
};

/* Reads sites and pairs. Without a blind relay it sets n to 0. Returns 0 or -errno. */
int blind_view_read(const struct dataplane *dp, struct blind_view *ret);
void blind_view_free(struct blind_view *v);
static inline const struct blind_view_pair *blind_view_pair(const struct blind_view *v, __u32 from,
							    __u32 to)
{
	return &v->pairs[(size_t)from * v->n + to];
}
