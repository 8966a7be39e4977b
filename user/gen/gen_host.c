/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Facts about a host that several generators use.
 */
#include <arpa/inet.h>
#include <stdarg.h>
#include "gen/gen_host.h"

const char *gen_host_name(const struct topology *t, const struct topology_host *h,
			  char buf[GEN_NAME])
{
	snprintf(buf, GEN_NAME, *t->domain ? "%s.%s" : "%s", h->name, t->domain);
	return buf;
}

FILE *gen_host_file(const struct gen *g, const struct topology_host *h, mode_t mode,
		    const char *comment, const char *format, ...)
{
	char path[128];			/* longer than any path, including an interface's name */
	va_list args;
	FILE *out;

	va_start(args, format);
	vsnprintf(path, sizeof(path), format, args);
	va_end(args);
	out = gen_file(g->files, mode, "%s/%s", h->name, path);
	fprintf(out, "%s %s: made by `wgxdp gen hosts`\n", comment, h->name);
	return out;
}

bool gen_comes_to(const struct topology *t, const struct topology_host *h,
		  const struct topology_host *gateway)
{
	return (h->role == ROLE_CLIENT || h->role == ROLE_ROAMING) &&
	       &t->hosts[h->gateway] == gateway;
}

const struct topology_host *gen_roaming_of(const struct topology *t,
					   const struct topology_host *gateway)
{
	for_each_host(h, t)
		if (h->role == ROLE_ROAMING && &t->hosts[h->gateway] == gateway)
			return h;
	return NULL;
}

const char *gen_between(const struct topology_host *other, char buf[GEN_BETWEEN])
{
	snprintf(buf, GEN_BETWEEN, TOPOLOGY_BETWEEN "%u", other->number & TOPOLOGY_SHARING_MAX);
	return buf;
}

__u16 gen_between_port(const struct topology_host *other)
{
	return ntohs(other->port) + other->number;
}

bool gen_runs_wgxdp(const struct topology *t, const struct topology_host *h)
{
	return h->role == ROLE_RELAY ||
	       (h->role == ROLE_EDGE && *t->shared.name) || h->role == ROLE_FIREWALL ||
	       (h->role == ROLE_GATEWAY && (h->ddns || gen_roaming_of(t, h)));
}

struct address gen_exporter(const struct topology_host *h)
{
	switch (h->role) {
	case ROLE_RELAY:
		/* a shared address leads to any of them */
		return !h->shares ? h->tunnel : (struct address){};
	case ROLE_FIREWALL:
		return h->lan_address;
	default:
		return h->n_inside ? h->inside[0] : (struct address){};
	}
}

const struct address *gen_public_address(const struct topology_host *h, __u8 family)
{
	for (size_t i = 0; i < h->n_addresses; i++)
		if (h->addresses[i].family == family)
			return &h->addresses[i];
	return NULL;
}

bool gen_serves(const struct topology *t, const struct topology_host *firewall,
		const struct topology_host *gateway)
{
	return firewall->role == ROLE_FIREWALL && &t->hosts[firewall->gateway] == gateway;
}

bool gen_is_direct(const struct topology *t, const struct topology_host *firewall,
		   const struct topology_host *gateway)
{
	return gen_serves(t, firewall, gateway) && firewall->nat == NAT_DNAT &&
	       firewall->ipv6 == IPV6_DIRECT;
}

bool gen_announces(const struct topology_host *roaming)
{
	return !roaming->openwrt && roaming->prefix.family == FAMILY_IPV6 && *roaming->lan;
}

const struct topology_host *gen_front(const struct topology *t, const struct topology_host *h)
{
	for_each_host(firewall, t)
		if (gen_serves(t, firewall, h))
			return firewall;
	return h;
}

void gen_endpoint(const struct topology *t, const struct topology_host *h, char ret_host[GEN_NAME],
		  __be16 *ret_port)
{
	const struct topology_host *at = gen_front(t, h);
	const struct address *a = at->exit.there ? gen_public_address(at, FAMILY_IPV6) : NULL;

	if (!a && !*t->domain && at->n_addresses)
		a = &at->addresses[0];
	if (a)
		address_format(a, ret_host);
	else
		gen_host_name(t, at, ret_host);
	*ret_port = at->port ?: h->port;
}

struct prefix gen_prefix_of(const struct address *a)
{
	unsigned int len = a->family == FAMILY_IPV4 ? 32 : 128;

	return (struct prefix){ .addr = a->addr, .family = a->family, .len = len };
}

bool gen_is_global6(const struct address *a)
{
	return a->family == FAMILY_IPV6 && (a->addr.b[0] & 0xfe) != 0xfc;
}

struct address gen_lan_address(const struct topology_host *h)
{
	struct address first = { .addr = h->prefix.addr, .family = FAMILY_IPV6 };

	if (h->prefix.family != FAMILY_IPV6)
		return (struct address){};
	first.addr.b[15] |= 1;
	return first;
}

const char *gen_device(const struct topology_host *h)
{
	return h->role == ROLE_SERVER ? WG_MESH :
	       h->role == ROLE_RELAY || h->role == ROLE_EDGE ? WG_ROUTING : WG_CLIENTS;
}
