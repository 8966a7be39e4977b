/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Writes the endpoints of the blind relay's sites into the maps of a running instance, like its daemon. For tests and
 * the bench, which have no daemon. Errors are -errno.
 */
#ifndef BLIND_MAPS_H
#define BLIND_MAPS_H

#include <bpf/bpf.h>
#include <errno.h>
#include <stdio.h>
#include "abi.h"
#include "dataplane/map_info.h"

struct blind_maps {
	int table, sites, endpoints, sessions;
	__u32 n_endpoints, n_sessions;
};

static inline int blind_map(const char *pins, const char *name)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", pins, name);
	return bpf_obj_get(path);
}

static inline int blind_maps_open(struct blind_maps *m, const char *pins)
{
	m->table = blind_map(pins, "table");
	m->sites = blind_map(pins, "blind_sites");
	m->endpoints = blind_map(pins, "endpoints");
	m->sessions = blind_map(pins, "sessions");
	m->n_endpoints = map_entries(m->endpoints);
	m->n_sessions = map_entries(m->sessions);
	return m->table < 0 || m->sites < 0 || m->endpoints < 0 || m->sessions < 0 ? -ENOENT : 0;
}

/* Finds the relay's first listener: its id, link and port */
static inline int blind_listener(int table, struct table_entry *ret)
{
	struct table_bucket bucket;

	for (__u32 i = 0; !bpf_map_lookup_elem(table, &i, &bucket); i++)
		for (int w = 0; w < TABLE_WAYS; w++)
			if (bucket.entry[w].tag && (bucket.entry[w].key.word & 0xff) == KEY_BLIND) {
				*ret = bucket.entry[w];
				return 0;
			}
	return -ENOENT;
}

/* local: our address towards the site */
static inline int blind_place(const struct blind_maps *m, const struct addr *a, __be16 port, __u8 family, const struct addr *local,
			      struct blind_place *ret)
{
	struct table_entry listener;
	int rc = blind_listener(m->table, &listener);

	if (rc)
		return rc;
	*ret = (struct blind_place){ .service = listener.service, .local = *local, .family = family,
				     .sum = address_sum(local, address_sum(a, 0)) };
	ret->service.to = *a;
	ret->service.port = port;
	return 0;
}

static inline int blind_put(const struct blind_maps *m, struct table_entry e)
{
	struct table_bucket bucket;

	e.tag = table_hash(&e.key);
	for (int home = 0; home < 2; home++) {
		__u32 i = table_home(e.tag, home, m->n_endpoints - 1);

		for (int w = 0; !bpf_map_lookup_elem(m->endpoints, &i, &bucket) && w < TABLE_WAYS; w++)
			if (!bucket.entry[w].tag || bucket.entry[w].tag == e.tag) {
				bucket.entry[w] = e;
				return bpf_map_update_elem(m->endpoints, &i, &bucket, BPF_ANY);
			}
	}
	return -ENOSPC;
}

static inline int blind_put_endpoint(const struct blind_maps *m, __u32 number, const struct addr *a, __be16 port, __u8 family)
{
	return blind_put(m, (struct table_entry){ .key = { *a, table_word(KEY_ENDPOINT, family, port, 0) }, .site = number });
}

/* Two sites may talk to each other */
static inline int blind_put_pair(const struct blind_maps *m, __u32 a, __u32 b)
{
	return blind_put(m, (struct table_entry){ .key = blind_may_key(a, b) });
}

#endif
