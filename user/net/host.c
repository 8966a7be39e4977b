/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The host, as netlink describes it, in one structure.
 */
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "lib/log.h"
#include "net/host.h"

void host_free(struct host *h)
{
	free(h->links);
	free(h->addresses);
	free(h->routes);
	free(h->rules);
	memset(h, 0, sizeof(*h));
}

int host_read(struct host *h)
{
	int rc;

	memset(h, 0, sizeof(*h));
	rc = nl_links(&h->links, &h->n_links);
	if (!rc)
		rc = nl_addresses(&h->addresses, &h->n_addresses);
	if (!rc)
		rc = nl_routes(&h->routes, &h->n_routes);
	if (!rc)
		rc = nl_rules(&h->rules, &h->n_rules);
	if (rc) {
		log_error("cannot read interfaces, addresses and routes from the kernel: %s",
			  strerror(-rc));
		host_free(h);
	}
	return rc;
}

const struct nl_link *host_link(const struct host *h, __u32 ifindex)
{
	for (size_t i = 0; i < h->n_links; i++)
		if (h->links[i].ifindex == ifindex)
			return &h->links[i];
	return NULL;
}

const struct nl_address *host_address(const struct host *h, const struct address *a)
{
	for (size_t i = 0; i < h->n_addresses; i++)
		if (address_equal(&h->addresses[i].local, a))
			return &h->addresses[i];
	return NULL;
}

const struct nl_link *host_link_by_name(const struct host *h, const char *name)
{
	for (size_t i = 0; i < h->n_links; i++)
		if (!strcmp(h->links[i].name, name))
			return &h->links[i];
	return NULL;
}

/* Whether another route of this table is for the address instead */
static bool is_overruled(const struct host *h, const struct nl_route *r, const struct address *to)
{
	for (size_t i = 0; i < h->n_routes; i++) {
		const struct nl_route *o = &h->routes[i];

		if (o->table == r->table && !o->conditional && prefix_covers(&o->dst, to) &&
		    (o->dst.len > r->dst.len ||
		     (o->dst.len == r->dst.len && o->metric < r->metric)))
			return true;
	}
	return false;
}

const struct nl_route *host_next_way(const struct host *h, const struct address *to, size_t *at)
{
	while (*at < h->n_routes) {
		const struct nl_route *r = &h->routes[(*at)++];

		if (r->type == RTN_UNICAST && prefix_covers(&r->dst, to) && !is_overruled(h, r, to))
			return r;
	}
	return NULL;
}

bool host_has_several_ways(const struct host *h, const struct address *to)
{
	const struct nl_route *way;
	size_t at = 0;

	while ((way = host_next_way(h, to, &at)))
		if (way->several)
			return true;
	return false;
}

__u32 host_link_vrf(const struct host *h, const struct nl_link *link)
{
	const struct nl_link *master = link && link->master ? host_link(h, link->master) : NULL;

	return master && !strcmp(master->kind, "vrf") ? master->ifindex : 0;
}

bool host_forwards(const char *name, bool ipv6)
{
	char path[96], value = '1';
	FILE *in;

	snprintf(path, sizeof(path), "/proc/sys/net/ipv%d/conf/%s/forwarding", ipv6 ? 6 : 4, name);
	in = fopen(path, "re");
	if (in) {
		if (fread(&value, 1, 1, in) != 1)
			value = '1';
		fclose(in);
	}
	return value != '0';
}
