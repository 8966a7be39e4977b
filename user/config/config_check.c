/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Implements the checks of config.h and config_check.h: first of each value, then for
 * contradictions. An error names the place of a value by a path. If the configuration came from a
 * file, the parser converts the path to a line and a column.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include "config/config_parts.h"
#include "config/config_sections.h"
#include "lib/grow.h"
#include "lib/log.h"

/* ---- values ---- */

static void check_service_values(struct check *k, size_t i)
{
	const struct service_config *s = &k->c->services[i];
	char text[ADDRESS_STRLEN];
	size_t j;

	at(k, 0, "/services/%zu/name", i);
	if (*s->name && !is_service_name(s->name))
		tell(k, "name: '%s' cannot be the name of a service: write letters, digits, '-', '_' and '.', such as wg-end",
		     s->name);
	at(k, 0, "/services/%zu/listen/interface", i);
	config_check_device(k, "interface", s->listen_interface, "eth0");
	for (j = 0; j < s->n_listen_addresses; j++) {
		at(k, 0, "/services/%zu/listen/addresses/%zu", i, j);
		if (s->listen_addresses[j].family)
			config_check_host(k, "addresses",
					  address_format(&s->listen_addresses[j], text), 0, false);
	}
	config_check_backend_values(k, i);
	for (j = 0; j < s->flows.n_sources; j++) {
		at(k, 0, "/services/%zu/flows/source/%zu", i, j);
		if (s->flows.sources[j].family)
			config_check_host(k, "source", address_format(&s->flows.sources[j], text),
					  0, false);
	}
}

static void check_values(struct check *k)
{
	size_t i;

	for (i = 0; i < k->c->n_interfaces; i++) {
		at(k, 0, "/interfaces/%zu/name", i);
		config_check_device(k, "name", k->c->interfaces[i].name, "eth0");
		at(k, 0, "/interfaces/%zu/shared", i);
		if (k->c->interfaces[i].shared && k->c->interfaces[i].mode == MODE_TC)
			tell(k, "shared: with mode: tc there is no XDP program to share: leave shared out");
	}
	for (i = 0; i < k->c->n_services; i++)
		check_service_values(k, i);
	config_check_relay_values(k);
	config_check_blind_values(k);
	config_check_endpoints(k);
	config_check_learn(k);
}

/* ---- contradictions within a service ---- */

/* With nat: none a service listens at the backend's own address and port, so it has no others; an
 * interface under listen only restricts where its clients are. */
static void check_nat_none(struct check *k, size_t i)
{
	const struct service_config *s = &k->c->services[i];
	size_t j;

	at(k, 0, "/services/%zu/listen/addresses", i);
	if (s->n_listen_addresses)
		tell(k, "addresses: with nat: none a service listens on the backend's own address: leave addresses out, or write nat: dnat");
	for (j = 0; j < s->n_ports; j++) {
		at(k, s->ports[j], "/services/%zu/listen/ports", i);
		if (s->ports[j] != s->backend.port)
			tell(k, "ports: with nat: none a service listens on the backend's own port %u, not on %u: leave ports out, or write nat: dnat",
				ntohs(s->backend.port), ntohs(s->ports[j]));
	}
	at(k, 0, "/services/%zu/ipv6", i);
	if (s->ipv6 == IPV6_DNAT)
		tell(k, "ipv6: the value dnat contradicts nat: none: write nat: dnat, or ipv6: direct");
}

static void check_listen_address(struct check *k, size_t i, size_t j)
{
	const struct service_config *s = &k->c->services[i];
	const struct address *a = &s->listen_addresses[j];
	bool ipv6 = a->family == FAMILY_IPV6;
	char text[ADDRESS_STRLEN];
	size_t before;

	at(k, 0, "/services/%zu/listen/addresses/%zu", i, j);
	for (before = 0; before < j; before++)
		if (address_equal(a, &s->listen_addresses[before]))
			tell(k, "addresses: %s is listed twice: remove one of the two",
			     address_format(a, text));
	if (s->nat == NAT_MASQUERADE)
		return;	/* masquerading also translates between the families */
	if (!service_has_family(s, a->family))
		tell(k, "addresses: %s is an %s address, but the backend has no %s address: add %s under %s, or remove %s%s",
		     address_format(a, text), ipv6 ? "IPv6" : "IPv4", ipv6 ? "IPv6" : "IPv4",
		     ipv6 ? "ipv6: \"2001:db8:2::10\"" : "ipv4: 192.168.1.10",
		     s->n_backends ? "each of backends" : "backend", text,
		     ipv6 && s->ipv6 == IPV6_DNAT ? " and ipv6: dnat" : "");
	else if (ipv6 && s->ipv6 != IPV6_DNAT)
		tell(k, "addresses: %s is an IPv6 address, but the service does not translate IPv6 (ipv6: %s%s): remove it, or add ipv6: dnat to the service",
		     address_format(a, text), ipv6_names[s->ipv6],
		     s->ipv6 == IPV6_DIRECT ? ", the default" : "");
}

static void check_dnat(struct check *k, size_t i)
{
	const struct service_config *s = &k->c->services[i];
	bool ipv6 = !s->n_listen_addresses;
	size_t j;

	at(k, 0, "/services/%zu/listen/addresses", i);
	if (*s->listen_interface && s->n_listen_addresses)
		tell(k, "addresses: listen has both an interface and addresses: remove one of the two");
	at(k, 0, "/services/%zu/listen", i);
	if (!*s->listen_interface && !s->n_listen_addresses)
		tell(k, "listen: neither an interface nor addresses are given: write listen: { interface: eth0, ports: [ 51820 ] }");
	else if (!s->n_ports)
		tell(k, "listen: ports are missing: add ports: [ 51820 ]");
	for (j = 0; j < s->n_listen_addresses; j++) {
		check_listen_address(k, i, j);
		ipv6 |= s->listen_addresses[j].family == FAMILY_IPV6;
	}
	at(k, 0, "/services/%zu/ipv6", i);
	if (s->nat == NAT_MASQUERADE)
		return;
	if (s->ipv6 == IPV6_DNAT && !service_has_family(s, FAMILY_IPV6)) {
		/* If it listens on an IPv6 address, check_listen_address() has reported this. */
		if (!s->n_listen_addresses || !ipv6)
			tell(k, "ipv6: the value dnat needs an IPv6 address of the backend: add ipv6: \"2001:db8:2::10\" under %s",
			     s->n_backends ? "each of backends" : "backend");
	} else if (s->ipv6 == IPV6_DNAT && !ipv6)
		tell(k, "ipv6: the value dnat needs an IPv6 address to listen on: add one under 'addresses', or write ipv6: direct");
}

/* Checks an address of flows.source: the backend must have one of the same family, but not the same
 * address. */
static void check_source(struct check *k, const struct service_config *s,
			 const struct address *source)
{
	bool ipv6 = source->family == FAMILY_IPV6, backends = false;
	char text[ADDRESS_STRLEN];

	address_format(source, text);
	for (size_t i = 0; i < backends_of(s); i++)
		backends |= !strcmp(text, ipv6 ? backend_at(s, i)->ipv6 : backend_at(s, i)->ipv4);
	if (!service_has_family(s, source->family))
		tell(k, "source: %s is an %s address, but the backend has none: remove it, or add '%s' to the backend",
		     text, ipv6 ? "IPv6" : "IPv4", ipv6 ? "ipv6" : "ipv4");
	else if (backends)
		tell(k, "source: %s is the backend's address: write an address of this host", text);
}

static void check_flows(struct check *k, size_t i)
{
	const struct service_config *s = &k->c->services[i];
	const struct flows_config *f = &s->flows;
	char text[ADDRESS_STRLEN];
	size_t n[2] = { 0 };

	at(k, 0, "/services/%zu/flows", i);
	if (!service_has_flows(s) &&
	    (f->max || f->share || f->timeout || f->ports.last || f->n_sources))
		tell(k, "flows: a service with nat: %s keeps no flows: remove flows, or write nat: masquerade%s",
		     s->nat == NAT_DNAT ? "dnat (the default)" :
		     nat_name(s->nat), s->nat == NAT_DNAT ? " or hairpin: true" : "");
	for (size_t j = 0; j < f->n_sources; j++) {
		at(k, 0, "/services/%zu/flows/source/%zu", i, j);
		if (++n[f->sources[j].family == FAMILY_IPV6] > POOL_ADDRS)
			tell(k, "source: the list has more than %u addresses of one family: remove some", POOL_ADDRS);
		for (size_t before = 0; before < j; before++)
			if (address_equal(&f->sources[j], &f->sources[before]))
				tell(k, "source: %s is listed twice: remove one of the two",
				     address_format(&f->sources[j], text));
		check_source(k, s, &f->sources[j]);
	}
	at(k, 0, "/services/%zu/hairpin", i);
	if (s->hairpin && s->nat == NAT_NONE)
		tell(k, "hairpin: with nat: none, clients of a LAN send to the backend's own address: leave hairpin out");
	at(k, 0, "/services/%zu/ipv6", i);
	if (s->nat == NAT_MASQUERADE && s->ipv6 == IPV6_DNAT)
		tell(k, "ipv6: the value dnat contradicts nat: masquerade, which serves clients of both families: leave ipv6 out");
}

static void check_service(struct check *k, size_t i)
{
	const struct service_config *s = &k->c->services[i];
	bool ipv4 = service_has_family(s, FAMILY_IPV4);

	at(k, 0, "/services/%zu/name", i);
	if (!*s->name)
		tell(k, "a service has no name: add name: wg-end");
	for (size_t b = 0; b < backends_of(s); b++) {
		const struct backend_config *is = backend_at(s, b);
		const char *key = s->n_backends ? "backends" : "backend";

		config_at_backend(k, i, b, "");
		if (!*is->ipv4 && !*is->ipv6)
			tell(k, "%s: 'ipv4' or 'ipv6' is missing: add ipv4: 192.168.1.10", key);
		if (!is->port)
			tell(k, "%s: 'port' is missing: add port: 51820", key);
	}
	config_check_guard(k, i);
	at(k, 0, "/services/%zu/ipv6", i);
	if (!ipv4 && service_has_family(s, FAMILY_IPV6) && s->ipv6 == IPV6_OFF &&
	    s->nat != NAT_MASQUERADE)
		tell(k, "ipv6: the value off excludes the only address of the backend: remove ipv6: off, or add an ipv4 address");
	check_flows(k, i);
	config_check_lists(k, i);
	if (s->nat == NAT_NONE)
		check_nat_none(k, i);
	else
		check_dnat(k, i);
}

/* ---- contradictions between entries ---- */

static void check_names(struct check *k)
{
	const struct config *c = k->c;
	size_t i, j;

	for (i = 0; i < c->n_interfaces; i++) {
		for (j = 0; j < i && strcmp(c->interfaces[i].name, c->interfaces[j].name); j++)
			;
		at(k, 0, "/interfaces/%zu/name", i);
		if (j < i)
			tell(k, "name: interface '%s' is listed twice: remove one of the two entries",
			     c->interfaces[i].name);
		if (!*c->interfaces[i].name || !c->interfaces[i].role)
			tell(k, "an interface has no name or no role: add both, { name: eth0, role: wan }");
	}
	for (i = 0; i < c->n_services; i++) {
		for (j = 0; j < i && strcmp(c->services[i].name, c->services[j].name); j++)
			;
		at(k, 0, "/services/%zu/name", i);
		if (j < i)
			tell(k, "name: two services are called '%s': rename one of them", c->services[i].name);
	}
}

/* An address and port that a service listens on. Two listeners with the same interface, address and
 * port are a conflict. */
struct listener {
	char interface[IFNAMSIZ];
	/* Only the family is set if the service listens on an interface. */
	struct address address;
	__be16 port;
	size_t service;
};

struct listeners {
	struct listener *rows;
	size_t n;
};

static void add_listener(struct listeners *l, const char *interface, const struct address *address,
			 __be16 port, size_t service)
{
	struct listener *row = append(l->rows, l->n);

	strcpy(row->interface, interface);
	row->address = *address;
	row->port = port;
	row->service = service;
}

/* Returns the backend's address of a family. Family 0: it has none, or only a name. */
static struct address backend_address(const struct backend_config *b, __u8 family)
{
	struct address a;

	if (address_parse(family == FAMILY_IPV4 ? b->ipv4 : b->ipv6, &a) || a.family != family)
		a.family = 0;
	return a;
}

static void add_service_listeners(struct listeners *l, const struct service_config *s, size_t i)
{
	static const __u8 families[] = { FAMILY_IPV4, FAMILY_IPV6 };
	struct address a;
	size_t f, j, p;

	for (f = 0; f < 2; f++) {
		bool ipv6 = families[f] == FAMILY_IPV6;

		a = backend_address(&s->backend, families[f]);
		if (s->nat == NAT_NONE && a.family && service_is_direct(s, families[f]))
			add_listener(l, s->listen_interface, &a, s->backend.port, i);
		a = (struct address) { .family = families[f] };
		if (s->nat == NAT_NONE || !*s->listen_interface)
			continue;
		if (s->nat == NAT_MASQUERADE ? ipv6 && s->ipv6 == IPV6_OFF :
		    !service_has_family(s, families[f]) || (ipv6 && s->ipv6 != IPV6_DNAT))
			continue;
		for (p = 0; p < s->n_ports; p++)
			add_listener(l, s->listen_interface, &a, s->ports[p], i);
	}
	for (j = 0; s->nat != NAT_NONE && j < s->n_listen_addresses; j++)
		for (p = 0; p < s->n_ports; p++)
			add_listener(l, "", &s->listen_addresses[j], s->ports[p], i);
}

static int compare_place(const struct listener *a, const struct listener *b)
{
	int r = strcmp(a->interface, b->interface);

	r = r ?: memcmp(&a->address.addr, &b->address.addr, sizeof(a->address.addr));
	r = r ?: a->address.family - b->address.family;
	return r ?: ntohs(a->port) - ntohs(b->port);
}

static int compare_listeners(const void *a, const void *b)
{
	const struct listener *l = a, *m = b;

	return compare_place(l, m) ?: (l->service > m->service) - (l->service < m->service);
}

static void report_conflict(struct check *k, const struct listener *first,
			    const struct listener *second)
{
	const struct service_config *s = &k->c->services[second->service],
				    *other = &k->c->services[first->service];
	char text[ADDRESS_STRLEN];
	bool dnat = s->nat != NAT_NONE;

	at(k, second->port, "/services/%zu/%s", second->service, dnat ? "listen/ports" : "backend");
	if (dnat && *s->listen_interface)
		tell(k, "ports: service '%s' already listens on port %u of %s: give one of the two services another port",
			other->name, ntohs(second->port), s->listen_interface);
	else
		tell(k, "%s: service '%s' already listens on %s: give one of the two services another address or port",
		     dnat ? "ports" : "backend",
		     other->name, endpoint_format(&second->address, second->port, text));
}

/* Reports services that listen on the same address and port, once for each pair of services. */
static void check_listeners(struct check *k)
{
	const struct listener *reported_first = NULL, *reported = NULL, *first;
	struct listeners l = {};
	size_t i;

	for (i = 0; i < k->c->n_services; i++)
		add_service_listeners(&l, &k->c->services[i], i);
	if (l.n)
		qsort(l.rows, l.n, sizeof(*l.rows), compare_listeners);
	for (i = 1, first = l.rows; i < l.n; i++) {
		if (compare_place(first, &l.rows[i])) {
			first = &l.rows[i];
			continue;
		}
		if (!reported || reported_first->service != first->service ||
		    reported->service != l.rows[i].service)
			report_conflict(k, first, &l.rows[i]);
		reported_first = first;
		reported = &l.rows[i];
	}
	free(l.rows);
}

/* Reports a backend whose address and port are among those that the service listens on: packets
 * would loop. */
static void check_backend(struct check *k, size_t i, size_t b)
{
	const struct service_config *s = &k->c->services[i];
	const struct backend_config *is = backend_at(s, b);
	char text[ADDRESS_STRLEN];
	struct address a;
	size_t j, p;

	for (j = 0; j < s->n_listen_addresses; j++) {
		bool ipv6 = s->listen_addresses[j].family == FAMILY_IPV6;

		a = backend_address(is, s->listen_addresses[j].family);
		for (p = 0; p < s->n_ports; p++) {
			config_at_backend(k, i, b, ipv6 ? "/ipv6" : "/ipv4");
			if (s->ports[p] == is->port && address_equal(&a, &s->listen_addresses[j]))
				tell(k, "%s: the service itself listens on %s: write the address of the WireGuard host behind this one, or nat: none",
				     ipv6 ? "ipv6" : "ipv4", endpoint_format(&a, is->port, text));
		}
	}
}

unsigned int config_check_each(const struct config *c, unsigned int errors, config_tell *tell,
			       void *data)
{
	struct check k = { .c = c, .tell = tell, .data = data, .errors = errors };
	size_t i;

	check_values(&k);
	if (k.errors)
		return k.errors;
	check_names(&k);
	for (i = 0; i < c->n_services; i++)
		check_service(&k, i);
	for (i = 0; i < c->n_services && !k.errors; i++)
		for (size_t b = 0;
		     b < backends_of(&c->services[i]) && c->services[i].nat != NAT_NONE; b++)
			check_backend(&k, i, b);
	if (!k.errors)
		check_listeners(&k);
	config_check_relay(&k);
	config_check_blind(&k);
	config_check_rates(&k);
	return k.errors;
}

static void print_error(void *data, const struct config_place *place, const char *text)
{
	fprintf(log_stream(), "%s: error: %s\n", (const char *)data, text);
}

int config_check(const struct config *c, const char *name)
{
	return config_check_each(c, 0, print_error, (void *)name) ? -EINVAL : 0;
}
