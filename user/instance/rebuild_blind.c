/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * From the blind relay's maps back to where it listens, and who may talk.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "lib/grow.h"
#include "instance/running.h"

static bool may_talk(const struct dataplane *dp, __u32 a, __u32 b)
{
	struct blind_site site;

	return !bpf_map_lookup_elem(dp->maps[MAP_blind_sites], &a, &site) && site.may[b / 64] >> b % 64 & 1;
}

/* Those that may, unless all do */
static int rebuild_pairs(const struct dataplane *dp, const struct peer_name *names, __u32 n, struct blind_config *ret)
{
	bool all = true;

	for (__u32 i = 1; i < n; i++)
		for (__u32 j = i + 1; j < n; j++) {
			struct site_pair *pair;

			if (!*names[i].name || !*names[j].name)
				continue;
			if (!may_talk(dp, i, j)) {
				all = false;
				continue;
			}
			pair = append(ret->pairs, ret->n_pairs);
			if (!pair)
				return -ENOMEM;
			strcpy(pair->name[0], names[i].name);
			strcpy(pair->name[1], names[j].name);
		}
	if (all) {
		free(ret->pairs);
		ret->pairs = NULL;
		ret->n_pairs = 0;
	}
	return 0;
}

int config_rebuild_blind(const struct dataplane *dp, const struct host *h, struct config *c)
{
	struct table_entry *table = NULL;
	const struct nl_link *link = NULL;
	struct peer_name *names;
	size_t n_table = 0, n = 0;
	int rc = dataplane_entries(dp, MAP_blind_names) < 2 ? 0 : dataplane_table(dp, &table, &n_table);

	for (size_t i = 0; i < n_table && !link; i++)
		if ((table[i].key.word & 0xff) == KEY_BLIND) {
			link = host_link(h, table[i].key.word >> 32);
			c->blind.port = table[i].key.word >> 16;
		}
	free(table);
	if (rc || !link)
		return rc;
	rc = dataplane_array(dp, MAP_blind_names, sizeof(*names), &names, &n);
	if (rc)
		return rc;
	strcpy(c->blind.interface, link->name);
	if (n)
		strcpy(c->blind.device, names[0].device);
	rc = rebuild_pairs(dp, names, n, &c->blind);
	free(names);
	return rc;
}
