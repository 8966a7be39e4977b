/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * plan: whether the data path may remember a next hop. It may not where the kernel could send two
 * packets to one backend, or to one client, different ways.
 */
#include "plan/plan_make.h"

/* Whether the rule may treat packets of one next hop differently. A rule for a source address of
 * this host does not, as no client has that address. Nor does one that looks at the destination,
 * the protocol or the link, which the packets of one next hop have in common. */
static bool looks_at_packets(const struct host *h, const struct nl_rule *r)
{
	bool ours = !r->src.family;

	for (size_t i = 0; i < h->n_addresses && !ours; i++)
		ours = r->src.len == (r->src.family == FAMILY_IPV4 ? 32 : 128) &&
		       prefix_covers(&r->src, &h->addresses[i].local);
	return !ours || r->tos || r->mark || r->sport || r->dport || r->unknown;
}

bool plan_asks_always(const struct host *h)
{
	for (size_t i = 0; i < h->n_rules; i++)
		if (looks_at_packets(h, &h->rules[i]))
			return true;
	for (size_t i = 0; i < h->n_routes; i++)
		if (h->routes[i].tos)
			return true;
	return false;
}
