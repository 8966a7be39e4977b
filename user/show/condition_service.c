/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Decides the states of interfaces, and of services: each place where a service listens, with the
 * backend that it leads to, works or has a fault.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "config/config_diff.h"
#include "dataplane/attach.h"
#include "dataplane/dataplane.h"
#include "lib/file.h"
#include "lib/grow.h"
#include "lib/text.h"
#include "plan/reach.h"
#include "plan/transmit.h"
#include "show/condition.h"
#include "show/show_parts.h"

/* ---- interfaces ---- */

const char *interface_state_name(enum interface_state s)
{
	static const char *const names[] = {
		"attached", "waiting", "down", "gone", "in another network namespace",
	};

	return names[s];
}

static bool is_attached(const struct conditions *k, const char *name)
{
	const struct nl_link *link = host_link_by_name(&k->h, name);

	for (size_t i = 0; i < k->n_links && link; i++)
		if ((k->links[i].role || k->links[i].above) && k->links[i].ifindex == link->ifindex)
			return true;
	return false;
}

static bool is_listed(const struct conditions *k, const char *name)
{
	for (size_t i = 0; i < k->n_interfaces; i++)
		if (!strcmp(k->interfaces[i].name, name))
			return true;
	return false;
}

/* Guesses the configured name of a link that this host no longer has: the first interface with this
 * role that is neither attached nor listed yet. Returns NULL if there is none. */
static const char *former_name(const struct conditions *k, enum link_role role)
{
	enum link_role its;
	const char *name;

	for (size_t at = 0; k->config && (name = config_interface(k->config, &at, &its));)
		if (its == role && !is_attached(k, name) && !is_listed(k, name))
			return name;
	return NULL;
}

static void describe_gone(struct conditions *k, struct interface_condition *i)
{
	const char *name = former_name(k, i->role);

	i->state = INTERFACE_GONE;
	if (name)
		snprintf(i->name, sizeof(i->name), "%s", name);
	else
		snprintf(i->name, sizeof(i->name), "(%u)", i->link->ifindex);
	snprintf(i->why, sizeof(i->why), "%s", name && host_link_by_name(&k->h, name) ?
		 "it was deleted and created again, and wgxdp is not attached to the new one" :
		 "it was deleted");
}

#define XDP_FOREIGN "another XDP program is attached in place of ours"
#define XDP_GONE "its XDP program was detached, and tc carries its packets"

/* Returns whether a program belongs to this instance. First compares it with programs whose fds are
 * open, because reading all pins takes long. */
static bool is_ours(const struct conditions *k, __u32 program)
{
	static const enum dataplane_program own[] = {
		PROGRAM_wgxdp_express, PROGRAM_wgxdp_xdp, PROGRAM_wgxdp_tc, PROGRAM_wgxdp_tc_l3,
	};

	for (size_t i = 0; i < sizeof(own) / sizeof(*own); i++) {
		struct bpf_prog_info info = { 0 };
		__u32 size = sizeof(info);
		int fd = program_fd(k->dp, own[i]);

		if (fd >= 0 && !bpf_obj_get_info_by_fd(fd, &info, &size) && info.id == program)
			return true;
	}
	return pins_have_program(program);
}

bool nic_has_own_xdp(const struct nl_link *nic)
{
	__u32 id = nic->xdp_prog_id;

	return pins_have_program(id) ||
	       (!bpf_xdp_query_id(nic->ifindex, 0, &id) && pins_have_program(id));
}

static bool tc_is_gone(const struct conditions *k, const struct link *l)
{
	__u32 ids[16];
	size_t n;
	int fd;

	if (l->flags & LINK_TCX) {	/* only CAP_NET_ADMIN may ask the device itself */
		fd = attached_link(k->dp->instance, "tcx", l->ifindex);
		fd_close(fd);
		return fd == -ENOENT || fd == -ENOLINK;
	}
	errno = 0;
	n = attached_tc(l->ifindex, ids, sizeof(ids) / sizeof(*ids));
	for (size_t i = 0; i < n; i++)
		if (is_ours(k, ids[i]))
			return false;
	return errno != ENOMEM;		/* ENOMEM does not tell which programs are attached */
}

/* Returns why our XDP program is missing on a nic that carries a logical link: the link itself, its
 * VLAN's port, or its bridge's ports. Returns NULL if the program is attached. */
static const char *why_no_xdp(const struct conditions *k, const struct link *l)
{
	const char *why = NULL;

	for (size_t i = 0; i < k->n_links && !why; i++) {
		const struct link *o = &k->links[i];
		const struct nl_link *here = host_link(&k->h, o->ifindex);

		if ((o != l && o->ifindex != l->port && o->above != l->ifindex) || !here ||
		    !(o->flags & (LINK_NATIVE | LINK_GENERIC)))
			continue;
		errno = 0;
		if (!here->xdp_prog_id)
			why = XDP_GONE;
		else if (!(o->flags & LINK_SHARED) && !is_ours(k, here->xdp_prog_id) &&
			 !nic_has_own_xdp(here) && errno != ENOMEM)
			/* ENOMEM does not tell which program is attached */
			why = XDP_FOREIGN;
	}
	return why;
}

/* Sets the reason: what a finding says about the interface, after "it "; otherwise `why`. */
static void explain(const struct conditions *k, struct interface_condition *i, const char *why)
{
	const struct finding *f = finding_at(&k->findings, i->name);
	char text[FINDING_LEN];

	snprintf(i->why, CONDITION_WHY, "%.*s", CONDITION_WHY - 1,
		 f ? finding_print(f, FINDING_IT, false, text) : why);
}

static void set_link_state(const struct conditions *k, struct interface_condition *i, bool up)
{
	bool tc_gone = i->link->flags & LINK_TC && tc_is_gone(k, i->link);
	const char *why = tc_gone ? "its tc program was detached" : why_no_xdp(k, i->link);

	i->slow = why && !strcmp(why, XDP_GONE);
	i->state = !up ? INTERFACE_DOWN : why ? INTERFACE_WAITING : INTERFACE_ATTACHED;
	explain(k, i, why ?: "");
}

static void list_links(struct conditions *k)
{
	for (size_t j = 0; j < k->n_links; j++) {
		const struct link *l = &k->links[j];
		const struct nl_link *here = host_link(&k->h, l->ifindex);
		struct interface_condition *i;

		if (!l->role)
			continue;
		i = append(k->interfaces, k->n_interfaces);
		i->role = l->role;
		i->link = l;
		if (k->dp->elsewhere) {
			i->state = INTERFACE_ELSEWHERE;
			snprintf(i->name, sizeof(i->name), "(%u)", l->ifindex);
			snprintf(i->why, sizeof(i->why), "%s", interface_state_name(i->state));
		} else if (!here) {
			describe_gone(k, i);
		} else {
			snprintf(i->name, sizeof(i->name), "%s", here->name);
			set_link_state(k, i, here->up);
		}
	}
}

/* Adds an interface to which no program of ours is attached. */
static void add_missing(struct conditions *k, const char *name, enum link_role role,
			enum interface_state state)
{
	struct interface_condition *i = append(k->interfaces, k->n_interfaces);
	const struct nl_link *link = host_link_by_name(&k->h, name);

	snprintf(i->name, sizeof(i->name), "%s", name);
	i->role = role;
	i->state = state;
	explain(k, i, link && link->xdp_prog_id && !nic_has_own_xdp(link) ? XDP_FOREIGN :
		"it exists, but wgxdp is not attached: the messages of `up` or the daemon say why");
}

/* Lists an interface that only the daemon uses, if it is missing or down; no program is ever
 * attached there. */
static void list_followed(struct conditions *k, const char *name)
{
	const struct nl_link *link = host_link_by_name(&k->h, name);

	if (*name && !(link && link->up) && !is_listed(k, name))
		add_missing(k, name, ROLE_NONE, link ? INTERFACE_DOWN : INTERFACE_WAITING);
}

static void list_all_followed(struct conditions *k)
{
	const char *name;
	char path[96];

	list_followed(k, k->config->blind.device);
	for (size_t i = 0; (name = config_followed(k->config, i, path, sizeof(path))); i++)
		list_followed(k, name);
}

static void conditions_of_interfaces(struct conditions *k)
{
	enum link_role role;
	const char *name;

	list_links(k);
	if (!k->config || k->dp->elsewhere)
		return;
	for (size_t at = 0; (name = config_interface(k->config, &at, &role));)
		if (!is_attached(k, name) && !is_listed(k, name))
			add_missing(k, name, role, INTERFACE_WAITING);
	list_all_followed(k);
}

/* ---- services ---- */

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
	if (s->nat != NAT_NONE && *s->listen_interface && !address_equal(&p->local, &p->backend) &&
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
	j->c->state = !j->works ? SERVICE_WAITING : j->faults ? SERVICE_PARTIAL : SERVICE_LISTENING;
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

/* ---- the mode of an interface ----
 * The link stores that a driver refused a mode (struct link .refused). Everything else is
 * determined again from this host. */

static void why_nic(const struct host *h, const struct plan_port *port, const struct plan_nic *nic,
		    const struct link *is, FILE *out)
{
	__u16 flags = is ? is->flags : 0, mode = flags & (LINK_NATIVE | LINK_GENERIC);
	const char *hint;

	if (nic->mode != MODE_AUTO &&
	    (mode & LINK_NATIVE) == (nic->mode == MODE_NATIVE ? LINK_NATIVE : 0) &&
	    (mode & LINK_GENERIC) == (nic->mode == MODE_GENERIC ? LINK_GENERIC : 0))
		fprintf(out, "the configuration asks for %s", mode_names[nic->mode]);
	else if (mode & LINK_NATIVE)
		fputs("the driver has native XDP", out);
	else if (is && is->refused)
		fprintf(out, "the driver refused native XDP: %s", why_refused(is->refused));
	else if (mode && nic->shared)
		fputs("generic XDP, like the other programs of libxdp's dispatcher", out);
	else if (mode)
		fputs("mode auto keeps the generic XDP of an earlier configuration", out);
	else
		fputs("XDP was not tried yet: another `up` tries it", out);
	if (port->by_qdisc)
		fputs("; transmit: tc, so its qdisc gets what leaves by it", out);
	else if (mode & LINK_NATIVE && !transmit_flags(h, host_link(h, nic->ifindex), true, &hint))
		fprintf(out, "; the device cannot send from XDP, so tc sends these packets%s%s",
			hint ? ": " : "", hint ?: "");
	if (mode & LINK_NATIVE && port->lengthens)
		headroom_hint(h, nic, "; ", out);
}

char *why_port(const struct plan *p, const struct host *h, const struct link *links, size_t n,
	       __u32 ifindex)
{
	const struct plan_port *port = plan_port(p, ifindex);
	const char *between = "";
	char *text;
	size_t size;
	FILE *out = text_open(&text, &size);

	for (size_t i = 0; port && i < p->n_nics; i++) {
		if (!plan_carries(h, &p->nics[i], port))
			continue;
		fputs(between, out);
		if (p->nics[i].ifindex != ifindex)
			fprintf(out, "by %s: ", p->nics[i].name);
		why_nic(h, port, &p->nics[i], dataplane_link_of(links, n, p->nics[i].ifindex), out);
		between = "; ";
	}
	if (port && (*port->why || !port->n_nics))
		fprintf(out, "%s%s", between, *port->why ? port->why : "this bridge has no ports");
	fclose(out);
	return text;
}
