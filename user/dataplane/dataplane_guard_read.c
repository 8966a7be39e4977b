/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * dataplane: reads guards, and the backends behind them.
 */
#include <bpf/bpf.h>
#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "dataplane/dataplane.h"

int dataplane_backend_names(const struct dataplane *dp, struct backend_name **ret, size_t *ret_n)
{
	return dataplane_array(dp, MAP_backend_names, sizeof(**ret), ret, ret_n);
}

int dataplane_guards(const struct dataplane *dp, struct guard **ret, size_t *ret_n)
{
	return dataplane_array(dp, MAP_guards, sizeof(**ret), ret, ret_n);
}

bool dataplane_guard(const struct dataplane *dp, __u32 id, struct guard *ret)
{
	return id < dataplane_entries(dp, MAP_guards) &&
	       !bpf_map_lookup_elem(map_fd(dp, MAP_guards), &id, ret) && ret->flags;
}

bool guard_is_amneziawg(const struct guard *g)
{
	bool is = g->flags & GUARD_JUNK;

	for (int i = 0; i < MESSAGES; i++)
		is |= g->header[i] != htole32(i + 1);
	return is;
}

int dataplane_guard_keys(const struct dataplane *dp, const struct guard *g,
			 struct guard_public **ret, size_t *ret_n)
{
	__u32 first = GUARD_KEYS_FIRST(g->keys), n = GUARD_KEYS_N(g->keys);
	struct guard_public *list = calloc(n + 1, sizeof(*list));
	int rc = list ? 0 : -ENOMEM;

	for (__u32 i = 0; i < n && !rc; i++) {
		__u32 place = first + i;
		struct guard_key key;

		if (bpf_map_lookup_elem(map_fd(dp, MAP_guard_keys), &place, &key) ||
		    bpf_map_lookup_elem(map_fd(dp, MAP_public_keys), &place, &list[i].key))
			rc = -errno;
		list[i].backend = key.backend;
	}
	if (rc) {
		free(list);
		return rc;
	}
	*ret = list;
	*ret_n = n;
	return 0;
}

__u64 dataplane_cookie_replies(const struct dataplane *dp)
{
	struct cookies c = { 0 };
	__u32 zero = 0;

	bpf_map_lookup_elem(map_fd(dp, MAP_cookies), &zero, &c);
	return c.replies;
}

int dataplane_health(const struct dataplane *dp, __u32 id, __u32 backend, struct health *ret)
{
	__u32 at = id * GUARD_BACKENDS_MAX + backend;

	return bpf_map_lookup_elem(map_fd(dp, MAP_health), &at, ret) ? -errno : 0;
}
