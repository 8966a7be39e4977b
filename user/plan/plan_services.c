/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Plans the services. Each becomes listeners, one for each local address, port and link. Each
 * listener becomes entries of the table: for packets of clients with its local address and link as
 * key, and for replies with the backend's address as key.
 */
#include <errno.h>
#include <string.h>
#include "config/config_diff.h"
#include "lib/grow.h"
#include "lib/log.h"
#include "plan/plan_make.h"

/* Returns new - old in ones' complement, by which checksums change with the address (RFC 1624). */
static __u16 address_delta(const struct addr *old, const struct addr *new)
{
	__u32 delta = address_sum(new, 0) + (__u16)~address_sum(old, 0);

	if (!memcmp(old, new, sizeof(*old)))
		return 0;
	delta = (delta & 0xffff) + (delta >> 16);
	return delta + (delta >> 16);
}

__u32 plan_service_id(struct plan *p, const char *name, enum nat nat)
{
	size_t id, free_id = p->n_services;

	for (id = 0; id < p->n_services && strcmp(p->services[id].name, name); id++)
		if (!*p->services[id].name && free_id == p->n_services)
			free_id = id;
	if (id == p->n_services)
		id = free_id;
	if (id == p->n_services)
		p->n_services++;
	strcpy(p->services[id].name, name);
	p->services[id].nat = nat;
	return id;
}

static bool is_configured(const struct config *c, const char *name)
{
	return config_service(c, name) || (*c->blind.device && !strcmp(name, BLIND_NAME));
}

/* Returns whether the listener's packets use this next hop. The local address counts because a rule
 * may route each of our source addresses differently, and masquerading because it makes one of them
 * the source. */
static bool same_way(const struct listener *l, const struct slot *o)
{
	return l->ifindex == o->ifindex && address_equal(&l->local, &o->local) &&
	       address_equal(&l->backend, &o->backend) &&
	       !(l->flags & SERVICE_MASQUERADE) == !o->masquerade;
}

static bool slot_taken(const struct plan_input *in, __u32 slot)
{
	for (size_t i = 0; i < in->n_slots; i++)
		if (in->slots[i].slot == slot)
			return true;
	for (size_t i = 1; i < in->n_peers; i++)
		if (in->peers[i].peer.slot == slot)
			return true;
	return false;
}

__u32 plan_slot(struct plan_builder *m)
{
	do
		m->last_slot += 2;
	while (slot_taken(m->in, m->last_slot));
	return m->last_slot;
}

/* Returns the first of a listener's two consecutive next-hop slots: to the backend, and to the
 * client that got a reply last. A running listener keeps its slots, and no other gets them in the
 * same change, because the MAC address stored there is that of its backend. */
static __u32 listener_slot(struct plan_builder *m, const struct listener *l)
{
	const struct plan_input *in = m->in;

	for (const struct listener *o = m->listeners; o < l; o++)
		if (same_way(l, &(struct slot){ o->local, o->backend, o->ifindex, o->slot,
						o->flags & SERVICE_MASQUERADE }))
			return o->slot;
	for (size_t i = 0; i < in->n_slots; i++)
		if (same_way(l, &in->slots[i]))
			return in->slots[i].slot;
	return plan_slot(m);
}

const struct service_config *plan_service(const struct plan_builder *m, __u32 id)
{
	const struct service_config *s = m->config->services;

	while (strcmp(s->name, m->plan->services[id].name))
		s++;
	return s;
}

static int add_listener(struct plan_builder *m, const struct listener *new)
{
	struct listener *l;

	for (size_t i = 0; i < m->n_listeners; i++) {
		l = &m->listeners[i];
		if (l->kind == new->kind && l->ifindex == new->ifindex && l->port == new->port &&
		    address_equal(&l->local, &new->local)) {
			char text[ADDRESS_STRLEN];

			if (l->id == new->id)
				return 0;
			return contradiction_at(m, plan_service(m, new->id), -EEXIST,
						"service %s: the address %s is also that of service %s: %s",
						m->plan->services[new->id].name,
						endpoint_format(&new->local, new->port, text),
						m->plan->services[l->id].name,
						address_equal(&new->local, &new->backend) ?
						"write ipv6: dnat or off in one of the two" :
						"give one of the two another address or port");
		}
	}
	l = append(m->listeners, m->n_listeners);
	*l = *new;
	l->flags |= plan_has_ways(m, &l->backend) ? SERVICE_WAYS : 0;
	l->slot = listener_slot(m, l);
	if (l->slot >= m->plan->n_slots)
		m->plan->n_slots = l->slot + 2;
	return 0;
}

static struct listener listener_of(const struct plan_builder *m, size_t service, size_t backend,
				   __u32 id, __u32 ifindex, const struct address *local)
{
	const struct service_config *s = &m->config->services[service];

	return (struct listener){ .ifindex = ifindex, .id = id, .local = *local,
				  .port = plan_backend(m, service, backend)->port,
				  .backend_port = plan_backend(m, service, backend)->port,
				  .lists = service_has_lists(s),
				  .flags = (s->df == DF_REPORT ? SERVICE_DF_REPORT : 0) |
				  plan_backend(m, service, backend)->number <<
				  SERVICE_BACKEND_SHIFT };
}

/* Adds the listener under the number of its backend. For the first backend, also adds it as the
 * default, for packets whose backend is unknown. */
static int add_numbered(struct plan_builder *m, struct listener *l, bool first)
{
	__u8 number = l->flags >> SERVICE_BACKEND_SHIFT;
	int rc = 0;

	if (number) {
		l->kind = KEY_BACKEND + number;
		rc = add_listener(m, l);
	}
	l->kind = KEY_SERVICE;
	return rc ?: !number || first ? add_listener(m, l) : 0;
}

static bool listens6(const struct service_config *s)
{
	return s->nat == NAT_MASQUERADE ? s->ipv6 != IPV6_OFF : s->ipv6 == IPV6_DNAT;
}

/* Chooses the backend's address, preferably of the listener's family. If the pool has no source
 * address of that address's family, it sets family 0: no listener. */
static void choose_address(const struct plan_builder *m, const struct backend_address *b,
			   struct listener *l)
{
	const struct pool *pool = &m->plan->pools[l->id];

	if (!l->backend.family)
		l->backend = l->local.family == FAMILY_IPV4 ? b->ipv6 : b->ipv4;
	if (!(l->backend.family == FAMILY_IPV4 ? pool->n4 : pool->n6))
		l->backend.family = 0;
	l->flags |= SERVICE_MASQUERADE | (l->backend.family == FAMILY_IPV6 ? SERVICE_TO_IPV6 : 0);
}

/* Returns one backend's listener at a local address on a link. Its backend's family is 0 if the
 * backend has no address for it. */
static struct listener listener_at(const struct plan_builder *m, size_t service, size_t backend,
				   __u32 id, __u32 ifindex, const struct address *local,
				   bool hairpin)
{
	const struct backend_address *b = plan_backend(m, service, backend);
	struct listener l = listener_of(m, service, backend, id, ifindex, local);

	l.hairpin = hairpin;
	l.backend = local->family == FAMILY_IPV4 ? b->ipv4 : b->ipv6;
	if (m->config->services[service].nat == NAT_MASQUERADE || (hairpin && l.backend.family))
		choose_address(m, b, &l);
	return l;
}

/* Makes all backends' listeners at a local address on a link, one for each port. Clients with an
 * unknown key go to the backend with the lowest number of those that have an address for it. */
static int listen_on(struct plan_builder *m, size_t service, __u32 id, __u32 ifindex,
		     const struct address *local, bool hairpin)
{
	const struct service_config *s = &m->config->services[service];
	__u32 first = GUARD_BACKENDS_MAX;
	struct listener l;
	int rc = 0;

	if (address_is_link_local(local) || (local->family == FAMILY_IPV6 && !listens6(s)))
		return 0;
	for (size_t i = 0; i < backends_of(s); i++) {
		l = listener_at(m, service, i, id, ifindex, local, hairpin);
		if (l.backend.family && SERVICE_BACKEND(l.flags) < first)
			first = SERVICE_BACKEND(l.flags);
	}
	for (size_t i = 0; i < backends_of(s); i++) {
		l = listener_at(m, service, i, id, ifindex, local, hairpin);
		for (size_t k = 0; k < s->n_ports && l.backend.family && !rc; k++) {
			l.port = s->ports[k];
			rc = add_numbered(m, &l, SERVICE_BACKEND(l.flags) == first);
		}
	}
	return rc;
}

/* Makes listeners with each backend's own address and port on one link, for packets that are
 * forwarded untranslated. */
static int let_through(struct plan_builder *m, size_t service, __u32 id, __u32 ifindex, bool ipv6)
{
	int rc = 0;

	for (size_t i = 0; i < backends_of(&m->config->services[service]) && !rc; i++) {
		const struct backend_address *b = plan_backend(m, service, i);
		struct listener l = listener_of(m, service, i, id, ifindex,
						ipv6 ? &b->ipv6 : &b->ipv4);

		l.backend = l.local;
		rc = l.backend.family ? add_numbered(m, &l, true) : 0;
	}
	return rc;
}

static bool has_address(const struct host *h, __u32 ifindex, const struct address *a)
{
	for (size_t i = 0; i < h->n_addresses; i++) {
		const struct nl_link *link = host_link(h, h->addresses[i].ifindex);

		if (link && plan_base(h, link)->ifindex == ifindex &&
		    address_equal(&h->addresses[i].local, a))
			return true;
	}
	return false;
}

/* Returns whether the service listens on this port (interface). */
static bool is_here(const struct plan_builder *m, size_t service, const struct plan_port *port)
{
	const struct service_config *s = &m->config->services[service];
	const struct nl_link *named = host_link_by_name(m->host, s->listen_interface);

	return *s->listen_interface ? named && plan_base(m->host, named)->ifindex == port->ifindex :
	       port->role == ROLE_WAN;
}

/* Makes listeners with those addresses of the service that a port has. ifindex: the link at which
 * their packets arrive. */
static int listen_at(struct plan_builder *m, size_t service, __u32 id, const struct plan_port *port,
		     __u32 ifindex)
{
	const struct service_config *s = &m->config->services[service];
	const struct host *h = m->host;
	const struct nl_link *named = host_link_by_name(h, s->listen_interface);
	bool hairpin = ifindex != port->ifindex;
	int rc = 0;

	for (size_t i = 0; i < h->n_addresses && !rc && named; i++)
		if (h->addresses[i].ifindex == named->ifindex)
			rc = listen_on(m, service, id, ifindex, &h->addresses[i].local, hairpin);
	for (size_t i = 0; i < s->n_listen_addresses && !rc; i++) {
		const struct address *a = &s->listen_addresses[i];

		/* If no interface with frames has the address, the service listens there on every
		 * wan. */
		if (has_address(h, port->ifindex, a) || !host_outer_address(h, a))
			rc = listen_on(m, service, id, ifindex, a, hairpin);
	}
	return rc;
}

/* Makes all listeners of a service on one port, also those for IPv6 packets to the backend itself,
 * if the service is configured so. */
static int service_on_port(struct plan_builder *m, size_t service, __u32 id,
			   const struct plan_port *port)
{
	const struct service_config *s = &m->config->services[service];
	int rc = service_is_direct(s, FAMILY_IPV6) ?
		 let_through(m, service, id, port->ifindex, true) : 0;

	if (!rc && s->nat == NAT_NONE)
		return let_through(m, service, id, port->ifindex, false);
	rc = rc ?: listen_at(m, service, id, port, port->ifindex);
	for (size_t i = 0; i < m->plan->n_ports && !rc && s->hairpin; i++)
		if (m->plan->ports[i].role == ROLE_LAN)
			rc = listen_at(m, service, id, port, m->plan->ports[i].ifindex);
	return rc;
}

/* Returns whether another listener sends to the same backend address and port. The replies then
 * need SERVICE_CHOICE. */
static bool has_rival(const struct plan_builder *m, const struct listener *l)
{
	for (size_t i = 0; i < m->n_listeners; i++) {
		const struct listener *o = &m->listeners[i];

		if (address_equal(&o->backend, &l->backend) && o->backend_port == l->backend_port &&
		    !(o->flags & SERVICE_MASQUERADE) && (!address_equal(&o->local, &l->local) ||
							 o->port != l->port))
			return true;
	}
	return false;
}

/* Returns whether has_rival() may become true: a second address on an interface makes a rival. A
 * daemon prepares for that now, because loading programs later is slow. */
static bool may_get_rivals(const struct plan_builder *m)
{
	for (size_t i = 0; i < m->config->n_services && m->in->followed; i++)
		if (*m->config->services[i].listen_interface &&
		    m->config->services[i].nat == NAT_DNAT)
			return true;
	return false;
}

/* Returns the flags of the entry for replies: whether all or some listeners of the backend
 * masquerade. */
static __u16 reply_flags(const struct plan_builder *m, const struct listener *l)
{
	__u16 flags = SERVICE_MASQUERADE;

	for (size_t i = 0; i < m->n_listeners; i++) {
		const struct listener *o = &m->listeners[i];

		if (!address_equal(&o->backend, &l->backend) || o->backend_port != l->backend_port)
			continue;
		flags |= o->flags & SERVICE_MASQUERADE ? SERVICE_FLOWS : 0;
		flags &= o->flags & SERVICE_MASQUERADE ? ~0 : ~SERVICE_MASQUERADE;
	}
	return flags;
}

/* Returns whether this listener makes the entry for replies. If only some listeners of the backend
 * masquerade, a listener that does not masquerade makes it, for replies without a flow. */
static bool makes_reply(const struct plan_builder *m, const struct listener *l)
{
	return !(l->flags & SERVICE_MASQUERADE) || reply_flags(m, l) & SERVICE_MASQUERADE;
}

static void add_entries(struct plan_builder *m, const struct listener *l)
{
	bool rival = !(l->flags & SERVICE_MASQUERADE) && has_rival(m, l);
	__u16 flags = l->flags | (rival ? SERVICE_CHOICE : 0),
	      delta = address_delta(&l->local.addr, &l->backend.addr);
	struct service original = { .to = l->backend.addr, .port = l->backend_port, .delta = delta,
				    .id = l->id, .flags = flags | (l->lists ? SERVICE_LISTS : 0),
				    .slot = l->slot, .ifindex = l->ifindex };
	struct service reply = { .to = l->local.addr, .port = l->port, .delta = ~delta, .id = l->id,
				 .flags = (flags & ~(SERVICE_MASQUERADE | SERVICE_TO_IPV6)) |
				 reply_flags(m, l), .slot = l->slot, .ifindex = l->ifindex };
	struct table_key key = { l->local.addr, table_word(l->kind, l->local.family, l->port,
							   l->ifindex) };
	struct table_key back = { l->backend.addr, table_word(KEY_REPLY, l->backend.family,
							      l->backend_port, 0) };

	m->plan->choices |= rival;
	plan_add_entry(m->plan, &key, &original, sizeof(original));
	if (makes_reply(m, l))
		plan_add_entry(m->plan, &back, &reply, sizeof(reply));
}

int plan_services(struct plan_builder *m)
{
	const struct config *c = m->config;
	struct plan *p = m->plan;
	int rc = 0;

	p->n_slots = 2;	/* slots 0 and 1 are reserved */
	p->choices = may_get_rivals(m);
	for (size_t i = 0; i < c->n_services && !rc; i++) {
		__u32 id = plan_service_id(p, c->services[i].name, c->services[i].nat);

		plan_lists(m, &c->services[i], id);
		plan_followed(m, &c->services[i], id);
		plan_guard(m, i, id);
		rc = plan_pool(m, i, id);
		for (size_t j = 0; j < p->n_ports && !rc; j++)
			if (is_here(m, i, &p->ports[j]))
				rc = service_on_port(m, i, id, &p->ports[j]);
	}
	/* Remove services that are no longer configured. Not earlier, or a new service could get
	 * their ids and counters in this change. */
	for (size_t id = 0; id < p->n_services; id++)
		if (!is_configured(c, p->services[id].name))
			memset(&p->services[id], 0, sizeof(p->services[id]));
	plan_epochs(p);
	for (size_t i = 0; i < m->n_listeners; i++)
		add_entries(m, &m->listeners[i]);
	plan_own_ports(m);
	return rc;
}
