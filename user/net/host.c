/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Implements host.h: reads the host from netlink, and searches the lists.
 */
#include <errno.h>
#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "lib/log.h"
#include "lib/memory.h"
#include "lib/text.h"
#include "net/host.h"

#define HOST_TRIES 100		/* by host_read(), while other programs change what it reads */
#define HOST_PAUSE_MS 100	/* between two of them */

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
	int tries = 0, rc;

	memset(h, 0, sizeof(*h));
	do {
		if (tries)
			usleep(HOST_PAUSE_MS * 1000);
		host_free(h);
		rc = nl_links(&h->links, &h->n_links) ?:
		     nl_addresses(&h->addresses, &h->n_addresses) ?:
		     nl_routes(&h->routes, &h->n_routes) ?: nl_rules(&h->rules, &h->n_rules);
	} while (rc == -EINTR && ++tries < HOST_TRIES);
	for (size_t i = 0; i < h->n_routes; i++)
		h->several |= h->routes[i].several;
	if (rc) {
		log_error("cannot read interfaces, addresses and routes from the kernel: %s",
			  rc == -EINTR ? "they change all the time: try again later" :
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

const struct nl_address *host_outer_address(const struct host *h, const struct address *a)
{
	for (size_t i = 0; i < h->n_addresses; i++) {
		const struct nl_link *link = host_link(h, h->addresses[i].ifindex);

		if (link && !link->loopback && strcmp(link->kind, "dummy") &&
		    address_equal(&h->addresses[i].local, a))
			return &h->addresses[i];
	}
	return NULL;
}

const struct nl_link *host_link_by_name(const struct host *h, const char *name)
{
	for (size_t i = 0; i < h->n_links; i++)
		if (!strcmp(h->links[i].name, name))
			return &h->links[i];
	return NULL;
}

struct like {
	const char *name;
	unsigned int distance;
};

static int compare_likeness(const void *a, const void *b)
{
	const struct like *x = a, *y = b;

	return x->distance != y->distance ? (int)x->distance - (int)y->distance :
	       strcmp(x->name, y->name);
}

const char *host_link_names(const struct host *h, const char *name, char ret[HOST_NAMES_LEN])
{
	struct like *list = xcalloc(h->n_links + 1, sizeof(*list));
	size_t n = 0, used = 0, i;

	for (i = 0; i < h->n_links; i++)
		if (!h->links[i].loopback)
			list[n++] = (struct like){ h->links[i].name,
						   text_distance(name, h->links[i].name) };
	qsort(list, n, sizeof(*list), compare_likeness);
	strcpy(ret, "none");
	/* Leave room for " and N more". */
	for (i = 0; i < n && used + IFNAMSIZ + 32 < HOST_NAMES_LEN; i++)
		used += snprintf(ret + used, HOST_NAMES_LEN - used, "%s%s", used ? ", " : "",
				 list[i].name);
	if (i < n)
		snprintf(ret + used, HOST_NAMES_LEN - used, " and %zu more", n - i);
	free(list);
	return ret;
}

const char *host_names_now(const char *name, char ret[HOST_NAMES_LEN])
{
	struct host h = { 0 };

	nl_links(&h.links, &h.n_links);
	host_link_names(&h, name, ret);
	host_free(&h);
	return ret;
}

/* Returns whether packets from links of this VRF (0: from links without a VRF) may be routed by the
 * route's table. */
static bool is_asked(const struct host *h, const struct nl_route *r, __u32 vrf)
{
	if (host_link_vrf(h, host_link(h, r->oif)) != vrf)
		return false;
	if (vrf || r->table == RT_TABLE_MAIN)
		return true;
	for (size_t i = 0; i < h->n_rules; i++)
		if (h->rules[i].table == r->table && h->rules[i].family == r->dst.family &&
		    h->rules[i].action == FR_ACT_TO_TBL)
			return r->table != RT_TABLE_LOCAL;
	return false;
}

/* Returns whether the kernel always prefers another route of the same table to r. */
static bool is_overruled(const struct nl_route *const *ways, size_t n, const struct nl_route *r)
{
	for (size_t i = 0; i < n; i++) {
		const struct nl_route *o = ways[i];

		if (o->table == r->table && !o->conditional &&
		    (o->dst.len > r->dst.len || (o->dst.len == r->dst.len && !r->conditional &&
						 o->metric < r->metric)))
			return true;
	}
	return false;
}

size_t host_ways(const struct host *h, const struct address *to, __u32 vrf,
		 const struct nl_route **ret, size_t room)
{
	size_t n = 0, left = 0;
	bool overruled[room];

	if (!to->family)
		return 0;
	for (size_t i = 0; i < h->n_routes && n < room; i++)
		if (h->routes[i].type == RTN_UNICAST && prefix_covers(&h->routes[i].dst, to) &&
		    is_asked(h, &h->routes[i], vrf))
			ret[n++] = &h->routes[i];
	for (size_t i = 0; i < n; i++)
		overruled[i] = is_overruled(ret, n, ret[i]);
	for (size_t i = 0; i < n; i++)
		if (!overruled[i])
			ret[left++] = ret[i];
	return left;
}

bool host_has_several(const struct nl_route *const *ways, size_t n, const struct nl_route *way,
		      __u32 oif)
{
	for (size_t i = 0; i < n && way->several; i++)
		if (ways[i]->oif == oif && ways[i]->table == way->table &&
		    ways[i]->dst.len == way->dst.len && ways[i]->metric == way->metric &&
		    ways[i]->tos == way->tos)
			return true;
	return false;
}

bool host_has_several_ways(const struct host *h, const struct address *to, __u32 vrf, __u32 oif)
{
	const struct nl_route *ways[HOST_WAYS] = { NULL };
	size_t n = h->several ? host_ways(h, to, vrf, ways, HOST_WAYS) : 0;

	for (size_t i = 0; i < n; i++)
		if (host_has_several(ways, n, ways[i], oif))
			return true;
	return false;
}

__u32 host_link_vrf(const struct host *h, const struct nl_link *link)
{
	const struct nl_link *master = link && link->master ? host_link(h, link->master) : NULL;

	return master && !strcmp(master->kind, "vrf") ? master->ifindex : 0;
}

long host_sysctl(const char *format, ...)
{
	char path[160];
	va_list args;
	long value;
	FILE *in;

	va_start(args, format);
	vsnprintf(path, sizeof(path), format, args);
	va_end(args);
	in = fopen(path, "re");
	if (!in)
		return -1;
	if (fscanf(in, "%ld", &value) != 1)
		value = -1;
	fclose(in);
	return value;
}

const char *host_sysctl_name(const char *interface, char ret[IFNAMSIZ])
{
	snprintf(ret, IFNAMSIZ, "%s", interface);
	for (char *c = ret; *c; c++)
		if (*c == '.')
			*c = '/';
	return ret;
}

bool host_forwards(const char *name, bool ipv6)
{
	return host_sysctl("/proc/sys/net/ipv%d/conf/%s/forwarding", ipv6 ? 6 : 4, name) != 0;
}

bool host_has_family(const struct host *h, __u32 ifindex, __u8 family)
{
	for (size_t i = 0; i < h->n_addresses; i++)
		if (h->addresses[i].ifindex == ifindex && h->addresses[i].local.family == family &&
		    !address_is_link_local(&h->addresses[i].local))
			return true;
	return false;
}
