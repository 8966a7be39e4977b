/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Implements way_out.h.
 */
#include <string.h>
#include "import/way_out.h"
#include "net/netlink.h"

bool is_private(const struct address *a)
{
	static const char *const texts[] = {
		"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7",
	};
	struct prefix p;

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		if (!prefix_parse(texts[i], &p) && prefix_covers(&p, a))
			return true;
	return false;
}

void way_out_find(const struct import *im, const struct address *to, char ret[IFNAMSIZ])
{
	const struct import_devices *d = &im->devices;
	struct nl_way way;
	int longest = 0;

	if (im->live && !nl_way(to, NULL, 0, 0, &way) && if_indextoname(way.oif, ret))
		return;
	for (size_t i = 0; i < d->n; i++)
		for (size_t j = 0; j < d->list[i].n_peers; j++)
			for (size_t k = 0; k < d->list[i].peers[j].n_allowed; k++) {
				const struct prefix *p = &d->list[i].peers[j].allowed[k];

				if (p->len > longest && prefix_covers(p, to)) {
					longest = p->len;
					strcpy(ret, d->list[i].name);
				}
			}
}

const struct rule_match *way_out_named(const struct rule *rule)
{
	for (size_t i = 0; i < rule->n; i++) {
		const struct rule_match *m = &rule->matches[i];

		if (m->field != FIELD_OUT || m->unlike || !m->n)
			continue;
		for (size_t j = 0; j < m->n; j++)
			if (strpbrk(m->values[j].name, "*+"))
				return NULL;
		return m;
	}
	return NULL;
}

void way_out_note(const struct rule *rule, char out[IFNAMSIZ], bool *several)
{
	for (size_t i = 0; i < rule->n; i++) {
		const struct rule_match *m = &rule->matches[i];

		if (m->field != FIELD_OUT || m->unlike)
			continue;
		*several |= m->n != 1 || strchr(m->values[0].name, '*') ||
			    (*out && strcmp(out, m->values[0].name));
		if (m->n)
			strcpy(out, m->values[0].name);
	}
}
