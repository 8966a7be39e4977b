/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Decides the states of services: each place where a service listens, with the backend that it
 * leads to, works or has a fault.
 */
#include <errno.h>
#include <linux/neighbour.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "config/config_diff.h"
#include "lib/grow.h"
#include "plan/reach.h"
#include "show/condition.h"
#include "show/show_parts.h"

struct place {	/* an address that a service listens on, and the ports there */
	__u32 ifindex;
	struct address local, backend;
};

struct places {
	struct place *list;
	size_t n;
};

/* Earlier answers of the kernel: most services of a host share backends and interfaces. */
struct known_way {
	struct address backend;
	__u32 vrf;
	enum nat nat;
	enum reach reach;
	struct nl_way way;
};

struct known_forwarding {
	__u32 ifindex;
	bool ipv6, on;
};

struct service_check {
	struct conditions *k;
	struct known_way *ways;
	struct known_forwarding *forwarding;
	size_t n_ways, n_forwarding;
	struct places *places;		/* indexed by service id */
	struct resolved_backends answers;
	struct nl_neighbour *neighbours;
	size_t n_neighbours;
	/* The service that is being checked. */
	const struct service_config *s;
	struct service_condition *c;
	size_t faults, works;
};

/* ---- where services listen ---- */

static bool is_blind(const struct service_name *name)
{
	return name->nat == NAT_BLIND;
}

static void add_place(struct places *p, const struct table_entry *e)
{
	struct place new = {
		.ifindex = e->key.word >> 32,
		.local = { e->key.addr, e->key.word >> 8 & 0xff },
	};

	new.backend = (__u8)e->key.word == KEY_BLIND ? new.local : entry_backend(e);
	for (size_t i = 0; i < p->n; i++)
		if (p->list[i].ifindex == new.ifindex &&
		    address_equal(&p->list[i].local, &new.local) &&
		    address_equal(&p->list[i].backend, &new.backend))
			return;
	*append(p->list, p->n) = new;
}

static void find_places(struct service_check *j, const struct table_entry *table, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		__u8 kind = table[i].key.word;
		bool listens = kind == KEY_SERVICE || kind == KEY_BLIND || kind >= KEY_BACKEND;

		if (listens && table[i].service.id < j->k->n_services)
			add_place(&j->places[table[i].service.id], &table[i]);
	}
}

/* ---- faults ---- */

/* Counts a fault. The first one is kept as the reason to show. */
static void __attribute__((format(printf, 3, 4)))
note_fault(struct service_check *j, enum fault fault, const char *format, ...)
{
	va_list args;

	if (j->faults++)
		return;
	j->c->fault = fault;
	va_start(args, format);
	vsnprintf(j->c->why, sizeof(j->c->why), format, args);
	va_end(args);
}

static const char *family_name(__u8 family)
{
	return family == FAMILY_IPV4 ? "IPv4" : "IPv6";
}

static bool is_unresolved(const struct service_check *j, const struct nl_way *way,
			  const struct address *backend)
{
	return nl_neighbour_state(j->neighbours, j->n_neighbours, way, backend) &
	       (NUD_FAILED | NUD_INCOMPLETE);
}

static bool is_forwarding(struct service_check *j, const struct nl_link *link, bool ipv6)
{
	bool on;

	for (size_t i = 0; i < j->n_forwarding; i++)
		if (j->forwarding[i].ifindex == link->ifindex && j->forwarding[i].ipv6 == ipv6)
			return j->forwarding[i].on;
	on = host_forwards(link->name, ipv6);
	*append(j->forwarding, j->n_forwarding) =
		(struct known_forwarding){ link->ifindex, ipv6, on };
	return on;
}

static enum reach find_reach(struct service_check *j, const struct address *backend,
			     struct nl_way *ret)
{
	struct known_way new = {
		.backend = *backend, .vrf = host_vrf(&j->k->h, j->s), .nat = j->s->nat,
	};

	for (size_t i = 0; i < j->n_ways; i++)
		if (address_equal(&j->ways[i].backend, backend) && j->ways[i].vrf == new.vrf &&
		    j->ways[i].nat == new.nat) {
			*ret = j->ways[i].way;
			return j->ways[i].reach;
		}
	new.reach = reach_backend(&j->k->h, j->k->config, j->s, backend, &new.way);
	*append(j->ways, j->n_ways) = new;
	*ret = new.way;
	return new.reach;
}

static bool forwards(struct service_check *j, const struct nl_link *link, const struct address *a)
{
	if (!link || is_forwarding(j, link, a->family == FAMILY_IPV6))
		return true;
	note_fault(j, FAULT_FORWARDING, "%s forwarding is off on %s", family_name(a->family),
		   link->name);
	return false;
}

/* Returns whether this host can send packets of normal length to the backend; whether longer ones
 * fit the MTU is checked elsewhere. */
static bool leads_there(struct service_check *j, const struct address *backend)
{
	const struct host *h = &j->k->h;
	char text[ADDRESS_STRLEN], next[ADDRESS_STRLEN];
	struct nl_way way;

	address_format(backend, text);
	switch (find_reach(j, backend, &way)) {
	case REACH_SELF:
		note_fault(j, FAULT_ROUTE, "its backend %s is an address of this host", text);
		return false;
	case REACH_NONE:
		note_fault(j, FAULT_ROUTE, "no route to its backend %s", text);
		return false;
	case REACH_WAN:
		note_fault(j, FAULT_ROUTE, "the route to its backend %s leaves by %s, a wan", text,
			   host_link(h, way.oif)->name);
		return false;
	case REACH_BY_RULE:
	case REACH_UNKNOWN:
		return true;
	case REACH_ROUTED:
		break;
	}
	if (is_unresolved(j, &way, backend)) {
		address_format(way.via.family ? &way.via : backend, next);
		note_fault(j, FAULT_NEIGHBOUR, "%s does not resolve on %s", next,
			   host_link(h, way.oif)->name);
		return false;
	}
	return forwards(j, host_link(h, way.oif), backend);
}

static bool has_address(const struct host *h, const char *name, const struct address *a)
{
	const struct nl_link *link = host_link_by_name(h, name);

	for (size_t i = 0; i < h->n_addresses && link; i++)
		if (h->addresses[i].ifindex == link->ifindex &&
		    address_equal(&h->addresses[i].local, a))
			return true;
	return false;
}

/* Returns whether packets to this address and its ports are forwarded. */
static bool place_works(struct service_check *j, const struct place *p)
{
	const struct nl_link *link = host_link(&j->k->h, p->ifindex);
	const struct service_config *s = j->s;
	char text[ADDRESS_STRLEN];

	if (!link) {
		note_fault(j, FAULT_INTERFACE, "the interface that it listens on was deleted");
		return false;
	}
	for (size_t i = 0; i < j->k->n_interfaces; i++) {
		const struct interface_condition *is = &j->k->interfaces[i];

		if (is->link && is->link->ifindex == p->ifindex &&
		    is->state != INTERFACE_ATTACHED && !(is->slow && link->up)) {
			note_fault(j, FAULT_INTERFACE, "%s: %s", link->name, is->why);
			return false;
		}
	}
	/* Addresses in the file may be gone on purpose: another router may have one now. */
	if (s->nat != NAT_NONE && *s->listen_interface &&
	    !address_equal(&p->local, &p->backend) &&
	    address_find(s->listen_addresses, s->n_listen_addresses, &p->local) ==
	    s->n_listen_addresses && !has_address(&j->k->h, s->listen_interface, &p->local)) {
		j->c->address = j->faults ? j->c->address : p->local;
		note_fault(j, FAULT_ADDRESS_GONE, "%s is no longer an address of %s",
			   address_format(&p->local, text), s->listen_interface);
		return false;
	}
	return forwards(j, link, &p->backend) && leads_there(j, &p->backend);
}

static void check_mtu(struct service_check *j, const struct place *p)
{
	struct nl_way way;
	const struct nl_link *out;
	unsigned int need;

	if (find_reach(j, &p->backend, &way) != REACH_ROUTED)
		return;
	out = host_link(&j->k->h, way.oif);
	need = out ? reach_longest(&j->k->h, j->s, p->backend.family, way.oif) : 0;
	if (out && out->mtu < need)
		note_fault(j, FAULT_MTU, "packets of up to %u bytes arrive, but the MTU of %s is "
			   "%u", need, out->name, out->mtu);
}

/* Reports each address of the service's interface on which the service does not listen, because no
 * daemon follows the instance. Skips masquerading services, which may lack a source address. */
static void check_addresses(struct service_check *j, const struct places *listening)
{
	const struct service_config *s = j->s;
	const struct host *h = &j->k->h;
	char text[ADDRESS_STRLEN];

	for (size_t i = 0; i < h->n_addresses && *s->listen_interface && s->nat == NAT_DNAT; i++) {
		const struct nl_address *a = &h->addresses[i];
		const struct nl_link *link = host_link(h, a->ifindex);
		bool found = false, has = false;
		struct address backend;

		if (!link || strcmp(link->name, s->listen_interface) || a->tentative ||
		    address_is_link_local(&a->local) ||
		    (a->local.family == FAMILY_IPV6 && s->ipv6 != IPV6_DNAT))
			continue;
		for (size_t b = 0; b < backends_of(s); b++)
			has |= resolved_backends_address(&j->answers,
							 a->local.family == FAMILY_IPV4
								 ? backend_at(s, b)->ipv4
								 : backend_at(s, b)->ipv6,
							 a->local.family, &backend);
		for (size_t p = 0; p < listening->n; p++)
			found |= address_equal(&listening->list[p].local, &a->local);
		if (found || !has)
			continue;
		j->c->address = j->faults ? j->c->address : a->local;
		note_fault(j, FAULT_NOT_LISTENING, "it does not listen on %s, an address of %s",
			   address_format(&a->local, text), link->name);
	}
}

static void check_name(struct service_check *j, const char *text, __u8 family)
{
	struct address a;

	if (*text && !resolved_backends_address(&j->answers, text, family, &a))
		note_fault(j, FAULT_NAME, "%s has no %s address yet", text, family_name(family));
}

static void check_names(struct service_check *j)
{
	for (size_t b = 0; b < backends_of(j->s); b++) {
		check_name(j, backend_at(j->s, b)->ipv4, FAMILY_IPV4);
		check_name(j, backend_at(j->s, b)->ipv6, FAMILY_IPV6);
	}
}

static void note_missing_address(struct service_check *j)
{
	const struct nl_link *link = host_link_by_name(&j->k->h, j->s->listen_interface);
	const char *missing = link ? reach_missing_address(&j->k->h, j->s, link) : NULL;

	if (missing)
		note_fault(j, FAULT_NO_ADDRESS, "%s has no %saddress to listen on", link->name,
			   missing);
}

/* Finds the reason why a service listens on no address at all. */
static void explain_nowhere(struct service_check *j)
{
	const struct service_config *s = j->s;
	const struct conditions *k = j->k;

	for (size_t i = 0; i < k->n_interfaces; i++)
		if (k->interfaces[i].state != INTERFACE_ATTACHED &&
		    (*s->listen_interface ? !strcmp(k->interfaces[i].name, s->listen_interface) :
		     k->interfaces[i].role == ROLE_WAN))
			note_fault(j, FAULT_INTERFACE, "interface %s: %s", k->interfaces[i].name,
				   k->interfaces[i].why);
	if (!*s->listen_interface)
		note_fault(j, FAULT_INTERFACE, "no interface has its addresses, and none is a wan");
	note_missing_address(j);
	note_fault(j, FAULT_NO_ADDRESS, "%s has no address of a family that its backend has",
		   s->listen_interface);
}

static void check_backends(struct service_check *j, const struct table_entry *table, size_t n,
			   __u32 id)
{
	struct guarded *list = NULL;
	char text[ADDRESS_STRLEN];
	size_t n_list = 0, down = 0;

	if (guarded_read(j->k->dp, table, n, id, &list, &n_list))
		return;
	for (size_t i = 0; i < n_list; i++) {
		const struct address *a = &list[i].address[!list[i].address[0].family];

		if (!list[i].down)
			continue;
		down++;
		note_fault(j, FAULT_BACKEND, "backend %s does not answer handshakes",
			   *list[i].name ? list[i].name : address_format(a, text));
	}
	if (n_list && down == n_list)
		j->works = 0;
	free(list);
}

/* ---- states ---- */

/* Without data of host and configuration: a service with entries in the table is listening. */
static void decide_by_table(struct service_check *j, const struct places *p)
{
	j->works = p->n;
	if (!p->n)
		note_fault(j, FAULT_INTERFACE, "it has no address to listen on");
}

/* Returns whether this host's own WireGuard, behind the blind relay, can receive packets. */
static bool blind_device_works(struct service_check *j)
{
	const struct blind_config *b = &j->k->config->blind;
	const struct nl_link *link = host_link_by_name(&j->k->h, b->device);
	struct wg_device d = { 0 };
	int rc = link ? wg_read(b->device, &d) : 0;

	if (!link || !link->up)
		note_fault(j, FAULT_DEVICE, "%s is %s", b->device, link ? "down" : "not there");
	else if (!rc && d.port != b->port)
		note_fault(j, FAULT_DEVICE, "%s listens on UDP port %u, but the blind relay on %u",
			   b->device, ntohs(d.port), ntohs(b->port));
	wg_free(&d);
	return !j->faults;
}

static void check_blind(struct service_check *j, const struct places *p)
{
	const struct config *c = j->k->config;
	bool works = blind_device_works(j);

	for (size_t i = 0; i < p->n; i++) {
		const struct nl_link *link = host_link(&j->k->h, p->list[i].ifindex);

		if (!link || !link->up)
			note_fault(j, FAULT_INTERFACE, "%s is %s", c->blind.interface,
				   link ? "down" : "not there");
		else if (!reach_needs(c, &j->k->h, link, p->list[i].local.family) ||
			 forwards(j, link, &p->list[i].local))
			j->works += works;
	}
	if (!p->n)
		note_fault(j, FAULT_INTERFACE, "%s does not exist, or has no address",
			   c->blind.interface);
}

static void decide_state(struct service_check *j, const struct places *p,
			 const struct table_entry *table, size_t n, __u32 id)
{
	j->faults = j->works = 0;
	j->c = &j->k->services[id];
	j->s = j->k->config ? config_service(j->k->config, j->k->names[id].name) : NULL;
	if (j->k->dp->elsewhere || !j->k->config || (!j->s && !is_blind(&j->k->names[id]))) {
		decide_by_table(j, p);
	} else if (is_blind(&j->k->names[id])) {
		check_blind(j, p);
	} else {
		for (size_t i = 0; i < p->n; i++)
			j->works += place_works(j, &p->list[i]);
		check_addresses(j, p);
		check_names(j);
		if (!p->n)
			explain_nowhere(j);
		else
			note_missing_address(j);
		for (size_t i = 0; i < p->n; i++)
			check_mtu(j, &p->list[i]);
		check_backends(j, table, n, id);
	}
	j->c->state = !j->works ? SERVICE_WAITING : j->faults ? SERVICE_PARTIAL :
		      SERVICE_LISTENING;
}

int conditions_of_services(struct conditions *k)
{
	struct service_check j = {
		.k = k, .places = xcalloc(k->n_services + 1, sizeof(*j.places)),
	};
	struct table_entry *table = NULL;
	size_t n = 0;
	int rc = dataplane_table(k->dp, &table, &n);

	find_places(&j, table, n);
	if (!rc && !k->dp->elsewhere && k->n_services)
		rc = nl_neighbours(&j.neighbours, &j.n_neighbours);
	resolved_backends_read(k->dp->instance, &j.answers);
	if (k->config)
		resolved_backends_match(&j.answers, k->config);
	for (__u32 id = 0; id < k->n_services && !rc; id++)
		if (*k->names[id].name)
			decide_state(&j, &j.places[id], table, n, id);
	for (size_t id = 0; id < k->n_services; id++)
		free(j.places[id].list);
	free(j.places);
	free(j.neighbours);
	free(j.ways);
	free(j.forwarding);
	resolved_backends_free(&j.answers);
	free(table);
	return rc;
}
