/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Facts about a host that several generators use.
 */
#include <arpa/inet.h>
#include <stdarg.h>
#include "doctor/mtu.h"
#include "gen/gen_host.h"
#include "lib/log.h"

const char *gen_host_name(const struct topology *t, const struct topology_host *h,
			  char buf[GEN_NAME])
{
	snprintf(buf, GEN_NAME, *t->domain ? "%s.%s" : "%s", h->name, t->domain);
	return buf;
}

FILE *gen_host_file(const struct gen *g, const struct topology_host *h, mode_t mode,
		    const char *comment, const char *format, ...)
{
	/* Path of the file: longer than any that is used, including an interface's name. */
	char path[128];
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

bool gen_leads_to(const struct topology *t, const struct topology_host *client,
		  const struct address *a)
{
	const struct topology_exit *e = &t->hosts[client->gateway].exit;
	bool out = a->family == FAMILY_IPV4 ? e->masquerade4 || e->snat4.family :
		   client->direct || e->masquerade6 || e->snat6.family;
	bool inside = false;

	for (size_t i = 0; i < client->n_split; i++)
		if (prefix_covers(&client->split[i], a))
			return true;
	for (size_t i = 0; i < client->n_inside; i++)
		inside |= client->inside[i].family == a->family;
	return !client->n_split && inside && out;
}

const struct topology_host *gen_roaming_of(const struct topology *t,
					   const struct topology_host *gateway)
{
	for_each_host(h, t)
		if (h->role == ROLE_ROAMING && &t->hosts[h->gateway] == gateway)
			return h;
	return NULL;
}

bool gen_joins_ipv4(const struct topology_site *one, const struct topology_site *other)
{
	return one != other && one->ipv4.family && other->ipv4.family;
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

bool gen_is_pair(const struct topology *t, const struct topology_host *h)
{
	return h->shares && t->shared.n_addresses;
}

bool gen_has_tunnels(const struct topology *t, const struct topology_host *h)
{
	return h->shares && (!h->blind || gen_is_pair(t, h));
}

__u8 gen_common_family(const struct topology *t)
{
	for_each_host(h, t)
		if (h->role == ROLE_RELAY && !topology_address(h, FAMILY_IPV4))
			return FAMILY_IPV6;
	return FAMILY_IPV4;
}

bool gen_runs_wgxdp(const struct topology *t, const struct topology_host *h)
{
	/* Without a pair's common address, edge routers change from relay to relay. */
	return h->role == ROLE_RELAY || h->role == ROLE_FIREWALL ||
	       (h->role == ROLE_EDGE && *t->shared.name && !t->shared.n_addresses) ||
	       (h->role == ROLE_GATEWAY && (h->ddns || gen_roaming_of(t, h)));
}

struct address gen_exporter(const struct topology *t, const struct topology_host *h)
{
	/* Relays that share a tunnel address have none of their own. */
	if (!t->metrics || h->shares)
		return (struct address){};
	return h->role == ROLE_RELAY ? h->tunnel : h->role == ROLE_FIREWALL ? h->lan_address :
	       h->inside[0];
}

static bool serves(const struct topology *t, const struct topology_host *firewall,
		   const struct topology_host *gateway)
{
	return firewall->role == ROLE_FIREWALL && &t->hosts[firewall->gateway] == gateway;
}

bool gen_is_direct(const struct topology *t, const struct topology_host *firewall,
		   const struct topology_host *gateway)
{
	return serves(t, firewall, gateway) && firewall->nat == NAT_DNAT &&
	       firewall->ipv6 == IPV6_DIRECT;
}

const struct topology_host *gen_front(const struct topology *t, const struct topology_host *h)
{
	for_each_host(firewall, t)
		if (serves(t, firewall, h))
			return firewall;
	return h;
}

void gen_endpoint(const struct topology *t, const struct topology_host *h, char ret_host[GEN_NAME],
		  __be16 *ret_port)
{
	const struct topology_host *at = gen_front(t, h);
	bool blind = at->shares && at->blind;
	/* Without forward6, the firewall does not serve clients at its own IPv6 address. */
	bool only4 = at->role == ROLE_FIREWALL && !at->forward6;
	const struct address *a = blind ? topology_address(at, gen_common_family(t)) :
		h->endpoint == ENDPOINT_IPV6 ? topology_address(only4 ? h : at, FAMILY_IPV6) :
		h->endpoint == ENDPOINT_IPV4 || only4 ? topology_address(at, FAMILY_IPV4) :
		at->exit.there ? topology_address(at, FAMILY_IPV6) : NULL;

	if (!a && at->n_addresses)
		a = &at->addresses[0];
	if (a && (!*t->domain || blind || h->endpoint > ENDPOINT_NAME))
		address_format(a, ret_host);
	else
		gen_host_name(t, at, ret_host);
	*ret_port = at->port ?: h->port;
}

void gen_warn_endpoint(const struct topology *t, const struct topology_host *h)
{
	char host[GEN_NAME];
	struct address a;
	bool used = false;
	__be16 port;

	for_each_host(client, t)
		used |= gen_comes_to(t, client, h);
	gen_endpoint(t, h, host, &port);
	if (used && !address_parse(host, &a))
		log_warning("clients of %s use the address %s, and cannot connect from networks "
			    "with only IPv%d: to use a name, add domain, and remove endpoint",
			    h->name, host, a.family == FAMILY_IPV4 ? 6 : 4);
}

struct prefix gen_prefix_of(const struct address *a)
{
	unsigned int len = a->family == FAMILY_IPV4 ? 32 : 128;

	return (struct prefix){ .addr = a->addr, .family = a->family, .len = len };
}

struct address gen_lan_address(const struct topology_host *h)
{
	struct address first = { .addr = h->prefix.addr, .family = FAMILY_IPV6 };

	first.addr.b[15] |= 1;
	return first;
}

struct prefix gen_lan_prefix(const struct topology_host *h)
{
	struct prefix p = h->prefix;

	p.len = 64;
	return p;
}

const char *gen_device(const struct topology_host *h)
{
	return h->role == ROLE_SERVER ? WG_MESH :
	       h->role == ROLE_RELAY || h->role == ROLE_EDGE ? WG_ROUTING : WG_CLIENTS;
}

/* ---- MTUs of tunnels, and of tunnels inside tunnels ---- */

static unsigned int within(unsigned int mtu)
{
	return mtu >= MTU_IPV6_MIN + MTU_LAYER ? mtu - MTU_LAYER : MTU_IPV6_MIN;
}

/* Returns the narrowest MTU on the paths to all sites. A relay has one device for all tunnels, and
 * a server one for the mesh. */
static unsigned int narrowest(const struct topology *t)
{
	unsigned int mtu = -1;

	for_each_host(h, t)
		if ((h->role == ROLE_EDGE || h->role == ROLE_RELAY) && h->mtu < mtu)
			mtu = h->mtu;
	return within(mtu);
}

/* Returns the narrowest MTU on the paths between a gateway and a client, through the gateway's
 * firewalls. client NULL: all clients, because the gateway has one device for them. Packets must
 * fit every path, since ICMP errors of routers there may get lost. */
static unsigned int narrowest_to(const struct topology *t, const struct topology_host *gateway,
				 const struct topology_host *client)
{
	unsigned int mtu = gateway->mtu;

	for_each_host(h, t)
		if ((serves(t, h, gateway) ||
		     (gen_comes_to(t, h, gateway) && (!client || h == client))) && h->mtu < mtu)
			mtu = h->mtu;
	return within(mtu);
}

unsigned int gen_tunnel_mtu(const struct topology *t, const struct topology_host *h)
{
	if (h->role == ROLE_GATEWAY)
		return narrowest_to(t, h, NULL);
	if (h->role == ROLE_CLIENT || h->role == ROLE_ROAMING)
		return narrowest_to(t, &t->hosts[h->gateway], h);
	/* Between blind edge routers no host sends "packet too big". */
	return h->role == ROLE_RELAY ||
	       (h->role == ROLE_EDGE && t->hosts->blind) ? narrowest(t) : within(h->mtu);
}

unsigned int gen_between_mtu(const struct topology_host *one, const struct topology_host *other)
{
	return within(one->mtu < other->mtu ? one->mtu : other->mtu);
}

unsigned int gen_mesh_mtu(const struct topology *t, const struct topology_host *h)
{
	unsigned int tunnel = narrowest(t);

	return within(h->mtu < tunnel ? h->mtu : tunnel);
}
