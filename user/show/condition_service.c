/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Decides the states of services: each place where a service listens, with the backend that it
 * leads to, works or has a fault.
 */
#include <errno.h>
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

struct service_check {
	struct conditions *k;
	struct places *places;		/* indexed by service id */
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

/* Counts a finding about packets of the service as a fault. Returns whether there is one. */
static bool note_finding(struct service_check *j, const struct finding *f)
{
	char text[FINDING_LEN];

	if (f && !j->faults)
		j->c->finding = f->id;
	if (f)
		note_fault(j, FAULT_NONE, "%s", finding_print(f, FINDING_KIND, false, text));
	return f;
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

/* Returns the interface by which packets leave to a backend; 0: unknown. */
static __u32 way_out(const struct service_check *j, const struct address *backend)
{
	const struct backend_fact *b = facts_add_backend(&j->k->facts, j->s, backend);

	return b->reach == REACH_ROUTED ? b->way.oif : 0;
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
	if (note_finding(j, finding_on(&j->k->findings, p->ifindex, p->backend.family)))
		return false;
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
	return !note_finding(j, finding_to(&j->k->findings, s, &p->backend)) &&
	       !note_finding(j, finding_on(&j->k->findings, way_out(j, &p->backend),
					   p->backend.family));
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
			has |= resolved_backends_address(&j->k->answers,
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

/* Notes the findings about the service which leave some of its packets out. */
static void note_findings(struct service_check *j, const char *check)
{
	const struct findings *l = &j->k->findings;

	for (size_t i = 0; i < l->n; i++)
		if (l->list[i].about.service == j->s && !strcmp(l->list[i].check, check))
			note_finding(j, &l->list[i]);
}

/* Finds the reason why a service listens on no address at all. */
static void explain_nowhere(struct service_check *j)
{
	const struct service_config *s = j->s;
	const struct conditions *k = j->k;

	note_finding(j, finding_at(&k->findings, s->listen_interface));
	for (size_t i = 0; i < k->n_interfaces; i++)
		if (k->interfaces[i].state != INTERFACE_ATTACHED &&
		    (*s->listen_interface ? !strcmp(k->interfaces[i].name, s->listen_interface) :
		     k->interfaces[i].role == ROLE_WAN))
			note_fault(j, FAULT_INTERFACE, "interface %s: %s", k->interfaces[i].name,
				   k->interfaces[i].why);
	note_findings(j, "listen");
	if (!*s->listen_interface)
		note_fault(j, FAULT_INTERFACE, "no interface has its addresses, and none is a wan");
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

static void check_blind(struct service_check *j, const struct places *p)
{
	const struct config *c = j->k->config;
	const struct findings *l = &j->k->findings;
	const struct interface_fact *d = facts_interface(&j->k->facts, c->blind.device);
	bool works = !note_finding(j, finding_at(l, c->blind.device)) &&
		     !(d && note_finding(j, finding_on(l, d->about.ifindex, 0)));

	for (size_t i = 0; i < p->n; i++) {
		const struct nl_link *link = host_link(&j->k->h, p->list[i].ifindex);

		if (!link)
			note_fault(j, FAULT_INTERFACE, "%s is not there", c->blind.interface);
		else if (!note_finding(j, finding_on(l, link->ifindex, p->list[i].local.family)))
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
		note_findings(j, "name");
		if (!p->n)
			explain_nowhere(j);
		else
			note_findings(j, "listen");
		note_findings(j, "mtu");
		check_backends(j, table, n, id);
	}
	j->c->state = !j->works ? SERVICE_WAITING : j->faults ? SERVICE_PARTIAL :
		      SERVICE_LISTENING;
}

/* Makes the findings about the configuration and about the backends in the running table, which may
 * be others than those of the configuration. */
static int find(struct service_check *j)
{
	struct conditions *k = j->k;
	int rc = 0;

	if (k->dp->elsewhere || !k->config)
		return 0;
	resolved_backends_read(k->dp->instance, &k->answers);
	resolved_backends_match(&k->answers, k->config);
	k->facts = (struct facts){ .config = k->config, .host = &k->h, .answers = &k->answers,
				   .instance = k->dp->instance };
	if (k->n_services)
		rc = nl_neighbours(&k->neighbours, &k->facts.n_neighbours);
	k->facts.neighbours = k->neighbours;
	facts_interfaces(&k->facts);
	facts_backends(&k->facts, false);
	for (__u32 id = 0; id < k->n_services; id++) {
		const struct service_config *s = config_service(k->config, k->names[id].name);

		for (size_t i = 0; i < j->places[id].n && s; i++)
			facts_add_backend(&k->facts, s, &j->places[id].list[i].backend);
	}
	facts_ways(&k->facts);
	findings_make(&k->facts, HEALTH, &k->findings);
	return rc;
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
	rc = rc ?: find(&j);
	conditions_of_interfaces(k);
	for (__u32 id = 0; id < k->n_services && !rc; id++)
		if (*k->names[id].name)
			decide_state(&j, &j.places[id], table, n, id);
	for (size_t id = 0; id < k->n_services; id++)
		free(j.places[id].list);
	free(j.places);
	free(table);
	return rc;
}
