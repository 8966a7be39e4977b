/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The state of the running blind relay, read from the maps. show_sites.c and top.c include it.
 */
#pragma once
#include "dataplane/dataplane.h"
#include "lib/wg_key.h"

struct blind_view_site {		/* a site for `wgxdp show`; name "": the number is free */
	char name[NAME_LEN];
	struct wg_key key;
	struct address endpoint;	/* authenticated endpoint; family 0: none */
	__be16 port;
	__u64 since;	/* time at which the site got this endpoint, in seconds since 1970 */
	__u64 challenges;
	bool waited_for;		/* an initiation waits for the address of the site */
};

/* Traffic from the site `from` to the site `to`. sessions: the number of valid indices that `to`
 * gave out for `from`. */
struct blind_view_pair {
	__u64 packets, bytes, sessions;
};

struct blind_view {
	struct blind_view_site *sites;	/* sites, indexed by number; number 0 is this host */
	__u32 n;
	struct blind_view_pair *pairs;	/* pairs of sites, at index from * n + to */
	__u64 refused, challenges;
};

/* Reads the sites and pairs. Returns 0 or -errno. If there is no blind relay, n is 0. */
int blind_view_read(const struct dataplane *dp, struct blind_view *ret);
void blind_view_free(struct blind_view *v);
static inline const struct blind_view_pair *blind_view_pair(const struct blind_view *v, __u32 from,
							    __u32 to)
{
	return &v->pairs[(size_t)from * v->n + to];
}
