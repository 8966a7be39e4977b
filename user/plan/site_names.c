/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Implements site_names.h.
 */
#include <string.h>
#include "lib/memory.h"
#include "plan/site_names.h"

bool site_names_read(const struct config *c, struct wg_names *ret)
{
	struct wg_name *own = xcalloc(c->n_peers + 1, sizeof(*own));
	bool in_file;
	size_t n = 0;

	wg_names_read(c->blind.device, ret);
	in_file = ret->n;
	for (size_t i = 0; i < c->n_peers; i++) {
		if (wg_key_is_none(&c->peers[i].key))
			continue;
		own[n].key = c->peers[i].key;
		strcpy(own[n++].name, c->peers[i].name);
	}
	wg_names_prefer(ret, own, n);
	free(own);
	return in_file;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct site_name *)a)->name, ((const struct site_name *)b)->name);
}

void site_names_sort(struct site_name *list, size_t n)
{
	if (n)
		qsort(list, n, sizeof(*list), by_name);
}

bool site_names_have(const struct site_name *sorted, size_t n, const char *name)
{
	struct site_name key = { 0 };

	strcpy(key.name, name);
	return sorted && bsearch(&key, sorted, n, sizeof(key), by_name);
}
