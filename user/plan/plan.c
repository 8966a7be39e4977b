/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Makes a plan: calls the parts in their order, resolves the backends, and chooses the ports.
 */
#include <errno.h>
#include <string.h>
#include "plan/resolved_backends.h"
#include "lib/grow.h"
#include "lib/log.h"
#include "plan/plan_make.h"
#include "lib/resource_error.h"

const struct plan_port *plan_port(const struct plan *p, __u32 ifindex)
{
	for (size_t i = 0; i < p->n_ports; i++)
		if (p->ports[i].ifindex == ifindex)
			return &p->ports[i];
	return NULL;
}

const struct plan_port *plan_port_of(const struct plan_builder *m, __u32 oif)
{
	const struct nl_link *link = host_link(m->host, oif);

	return link ? plan_port(m->plan, plan_base(m->host, link)->ifindex) : NULL;
}

bool plan_refused(const struct plan_input *in, __u32 ifindex)
{
	for (size_t i = 0; i < in->n_refused; i++)
		if (in->refused[i] == ifindex)
			return true;
	return false;
}

/* Sets *ret to the address of a backend; family 0: it has none yet, or it is this host's own. */
static void resolve_address(const struct plan_builder *m, const char *text, __u8 family,
			    struct address *ret)
{
	if (resolved_backends_address(m->in->answers, text, family, ret) &&
	    host_address(m->host, ret))
		ret->family = 0;
}

static void resolve_backend(const struct plan_builder *m, const struct service_config *s,
			   const struct backend_config *from, struct backend_address *ret)
{
	bool standby = plan_on_standby(m->in, s, from);
	__be16 standby_port = from->standby.port ?: from->port;

	ret->on_standby = standby;
	resolve_address(m, standby ? from->standby.ipv4 : from->ipv4, FAMILY_IPV4, &ret->ipv4);
	resolve_address(m, standby ? from->standby.ipv6 : from->ipv6, FAMILY_IPV6, &ret->ipv6);
	ret->port = standby ? standby_port : from->port;
	if (backend_has_standby(from)) {
		resolved_backends_address(m->in->answers, standby ? from->ipv4 : from->standby.ipv4,
					  FAMILY_IPV4, &ret->idle[0]);
		resolved_backends_address(m->in->answers, standby ? from->ipv6 : from->standby.ipv6,
					  FAMILY_IPV6, &ret->idle[1]);
		ret->idle_port = standby ? from->port : standby_port;
	}
}

/* Fills in the addresses of all backends. */
static void plan_backends(struct plan_builder *m)
{
	const struct config *c = m->config;
	size_t n = 0;

	m->first_backend = xcalloc(c->n_services + 1, sizeof(*m->first_backend));
	for (size_t i = 0; i < c->n_services; i++) {
		m->first_backend[i] = n;
		n += backends_of(&c->services[i]);
	}
	m->backends = xcalloc(n + 1, sizeof(*m->backends));
	for (size_t i = 0; i < c->n_services; i++)
		for (size_t j = 0; j < backends_of(&c->services[i]); j++)
			resolve_backend(m, &c->services[i], backend_at(&c->services[i], j),
					plan_backend(m, i, j));
}

struct plan_port *plan_append_port(struct plan_builder *m, const struct nl_link *link,
				   enum link_role role, const struct interface_config *said)
{
	struct plan_port *port = append(m->plan->ports, m->plan->n_ports);

	port->ifindex = link->ifindex;
	memcpy(port->name, link->name, sizeof(port->name));
	port->role = role;
	port->l3 = !link->ethernet;
	port->mode = said ? said->mode : MODE_AUTO;
	port->shared = said && said->shared;
	port->by_qdisc = said && said->transmit == TRANSMIT_TC;
	return port;
}

/* said: the entry in `interfaces`, or NULL */
static int add_port(struct plan_builder *m, const char *name, enum link_role role,
		    const struct interface_config *said)
{
	const struct nl_link *link = host_link_by_name(m->host, name);
	struct plan_port *port;

	if (!link || link->loopback)
		return 0;
	link = plan_base(m->host, link);
	if (plan_refused(m->in, link->ifindex)) {
		log_waiting("interface %s: waiting, because another program holds it", link->name);
		return 0;
	}
	if (plan_port(m->plan, link->ifindex))
		return 0;	/* `interfaces` has already made it a port */
	port = plan_append_port(m, link, role, said);
	m->plan->l3 |= port->l3;
	port->sources = m->plan->n_ports - 1;
	return 0;
}

static int add_listening_ports(struct plan_builder *m, const struct service_config *s)
{
	int rc = 0;

	if (*s->listen_interface)
		return add_port(m, s->listen_interface, ROLE_WAN, NULL);
	for (size_t i = 0; i < s->n_listen_addresses && !rc; i++) {
		const struct nl_address *a = host_outer_address(m->host, &s->listen_addresses[i]);

		if (a)
			rc = add_port(m, host_link(m->host, a->ifindex)->name, ROLE_WAN, NULL);
	}
	return rc;
}

/* Adds the links of all next hops of the route to the backend as ports with the role lan. */
static int add_several(struct plan_builder *m, const struct address *backend, __u32 vrf, __u32 oif)
{
	const struct nl_route *ways[HOST_WAYS] = { NULL };
	size_t n = m->host->several ? host_ways(m->host, backend, vrf, ways, HOST_WAYS) : 0;
	const struct plan_port *first = plan_port_of(m, oif);
	char text[ADDRESS_STRLEN];
	int rc = 0;

	for (size_t i = 0; i < n && !rc; i++) {
		const struct nl_link *link = host_link(m->host, ways[i]->oif);

		/* Also if a rule selects the table with the route. */
		m->plan->ask_always |= ways[i]->several;
		if (!host_has_several(ways, n, ways[i], oif))
			continue;
		if (!link || link->loopback || plan_port_of(m, link->ifindex))
			continue;
		if (first && first->role == ROLE_WAN)
			log_warning("backend %s: one of its routes leaves by %s, where replies are "
				    "not translated: add that interface to `interfaces`",
				    address_format(backend, text), link->name);
		else
			rc = add_port(m, link->name, ROLE_LAN, NULL);
	}
	return rc;
}

int plan_backend_port(struct plan_builder *m, const struct address *backend, __u32 vrf)
{
	const struct nl_link *link;
	__u32 oif;
	int rc = nl_route_get(backend, vrf, &oif);

	if (rc)
		return is_resource_error(rc) ? rc : 0;
	link = host_link(m->host, oif);
	rc = link && !link->loopback ? add_port(m, link->name, ROLE_LAN, NULL) : 0;
	return rc ?: add_several(m, backend, vrf, oif);
}

static int add_backend_port(struct plan_builder *m, const struct service_config *s,
			    const struct address *backend)
{
	char text[ADDRESS_STRLEN];
	__u32 oif, vrf = host_vrf(m->host, s);
	int rc;

	if (!backend->family)
		return 0;
	rc = nl_route_get(backend, vrf, &oif);
	if (rc)
		return is_resource_error(rc) ? rc : 0;
	if (host_has_several_ways(m->host, backend, vrf, oif))
		log_info("service %s: several routes lead to backend %s, and the kernel chooses "
			 "one for each packet", s->name, address_format(backend, text));
	return plan_backend_port(m, backend, vrf);
}

/* Adds the devices of peers as ports. Devices in `interfaces`, or on which a service listens, are
 * ports already. */
static int add_devices(struct plan_builder *m)
{
	enum link_role role;
	const char *name;
	size_t at = 0;
	int rc = 0;

	while (!rc && (name = config_interface(m->config, &at, &role)))
		if (role == ROLE_TUNNEL && at > m->config->n_interfaces)
			rc = add_port(m, name, role, NULL);
	return rc;
}

/* Returns whether the express path can serve any service or peer. It cannot if a guard chooses
 * among backends or checks AmneziaWG messages; for such services it would only cost time. */
static bool has_use_for_express(const struct plan_builder *m)
{
	const struct config *c = m->config;
	bool use = *c->blind.interface || m->plan->relay.nics;

	for (size_t i = 0; i < c->n_services; i++)
		use |= !service_has_guard(&c->services[i]) ||
		       (!c->services[i].n_backends &&
			c->services[i].guard.profile != PROFILE_AMNEZIAWG);
	return use && c->express == EXPRESS_ON;
}

static int plan_ports(struct plan_builder *m)
{
	const struct config *c = m->config;
	int rc = 0;

	m->plan->notify = c->n_learn;
	for (size_t i = 0; i < c->n_interfaces && !rc; i++)
		rc = add_port(m, c->interfaces[i].name, c->interfaces[i].role, &c->interfaces[i]);
	for (size_t i = 0; i < c->n_services && !rc; i++)
		rc = add_listening_ports(m, &c->services[i]);
	if (*c->blind.interface)
		rc = rc ?: add_port(m, c->blind.interface, ROLE_WAN, NULL);
	rc = rc ?: add_devices(m);
	for (size_t i = 0; i < c->n_services && !rc; i++)
		for (size_t j = 0; j < backends_of(&c->services[i]) && !rc; j++)
			rc = add_backend_port(m, &c->services[i], &plan_backend(m, i, j)->ipv4) ?:
			     add_backend_port(m, &c->services[i], &plan_backend(m, i, j)->ipv6);
	for (size_t i = 0; i < c->n_services && !rc; i++)
		for (size_t j = 0; j < backends_of(&c->services[i]) && !rc; j++) {
			const struct backend_address *at = plan_backend(m, i, j);
			__u32 vrf = host_vrf(m->host, &c->services[i]);

			plan_ways(m, &at->ipv4, vrf);
			plan_ways(m, &at->ipv6, vrf);
		}
	return rc;
}

int plan_make(const struct plan_input *in, struct plan **ret)
{
	struct plan_builder m = { .in = in, .config = in->config, .host = in->host,
				  .plan = xcalloc(1, sizeof(*m.plan)) };
	size_t services = in->n_names + in->config->n_services + 2;
	int rc;

	m.plan->services = xcalloc(services, sizeof(*m.plan->services));
	m.plan->service_lists = xcalloc(services, sizeof(*m.plan->service_lists));
	if (in->n_names)
		memcpy(m.plan->services, in->names, in->n_names * sizeof(*in->names));
	m.plan->n_services = in->n_names;
	m.plan->config_text = in->config_text;
	m.plan->ask_always = plan_asks_always(in->host);
	m.plan->locked_mtu = plan_locked_mtu(in->host);
	plan_backends(&m);
	rc = plan_ports(&m) ?: plan_services(&m) ?: plan_blind(&m) ?: plan_old(&m) ?:
	     plan_relay(&m);
	if (!rc) {
		plan_rates(&m);
		plan_sources(&m);
		rc = plan_nics(&m) ?: plan_links(&m);
	}
	m.plan->express = has_use_for_express(&m);
	m.plan->express_entries = m.config->express_entries;
	free(m.backends);
	free(m.first_backend);
	free(m.listeners);
	if (rc)
		plan_free(m.plan);
	else
		*ret = m.plan;
	return rc;
}

void plan_free(struct plan *p)
{
	if (!p)
		return;
	free(p->ports);
	free(p->sources);
	free(p->hints);
	free(p->trie);
	free(p->lists);
	free(p->followed);
	free(p->service_lists);
	free(p->nics);
	free(p->links);
	free(p->entries);
	free(p->services);
	free(p->pools);
	for (size_t i = 0; i < p->n_guards; i++) {
		free(p->guards[i].keys);
		free(p->guards[i].names);
	}
	free(p->guards);
	free(p->service_rates);
	free(p->peer_rates);
	free(p->numbered_rates);
	free(p->relay.peers);
	free(p->relay.routes);
	free(p->relay.subnets);
	free(p->relay.longest);
	free(p->relay.gone);
	free(p->relay.own);
	free(p);
}
