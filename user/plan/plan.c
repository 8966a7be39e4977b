/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Makes a plan: calls the parts in their order, resolves the backends, and chooses the ports.
 */
#include <string.h>
#include "plan/resolved_backends.h"
#include "lib/log.h"
#include "lib/memory.h"
#include "plan/plan_make.h"
#include "net/netlink.h"

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

static void add_listening_ports(struct plan_builder *m, const struct service_config *s)
{
	if (*s->listen_interface) {
		plan_add_port(m, s->listen_interface, ROLE_WAN, NULL);
		return;
	}
	for (size_t i = 0; i < s->n_listen_addresses; i++) {
		const struct nl_address *a = host_outer_address(m->host, &s->listen_addresses[i]);

		if (a)
			plan_add_port(m, host_link(m->host, a->ifindex)->name, ROLE_WAN, NULL);
	}
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
		log_info("service %s: several routes lead to backend %s, and the kernel chooses one for each packet",
			 s->name, address_format(backend, text));
	return plan_backend_port(m, backend, vrf);
}

/* Adds the devices of peers as ports. Devices in `interfaces`, or on which a service listens, are
 * ports already. */
static void add_devices(struct plan_builder *m)
{
	enum link_role role;
	const char *name;
	size_t at = 0;

	while ((name = config_interface(m->config, &at, &role)))
		if (role == ROLE_TUNNEL && at > m->config->n_interfaces)
			plan_add_port(m, name, role, NULL);
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
	for (size_t i = 0; i < c->n_interfaces; i++)
		plan_add_port(m, c->interfaces[i].name, c->interfaces[i].role, &c->interfaces[i]);
	for (size_t i = 0; i < c->n_services; i++)
		add_listening_ports(m, &c->services[i]);
	if (*c->blind.interface)
		plan_add_port(m, c->blind.interface, ROLE_WAN, NULL);
	add_devices(m);
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
