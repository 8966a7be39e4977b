/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * From the maps back to a configuration that makes the same of them.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include "lib/grow.h"
#include "lib/log.h"
#include "instance/running.h"
#include "dataplane/table.h"

struct found {				/* a listener in the table */
	struct address local, backend;
	__be16 port, backend_port;
	__u32 id, ifindex;
	__u8 number;			/* of the backend, where there are several */
	bool first;			/* replies to clients never seen go by it */
	bool report;			/* df: report */
	bool hairpin;			/* for who comes from a lan to what is not of that lan */
};

struct rebuild {
	const struct dataplane *dp;
	const struct host *host;
	struct link *links;
	size_t n_links;
	struct found *found;
	size_t n_found;
	struct list_entry *lists;
	size_t n_lists;
	struct config *c;
};

static bool translated(const struct found *f)
{
	return !address_equal(&f->local, &f->backend);
}

/* Those first that replies name, so that they do again; else by address and port */
static int compare_found(const void *a, const void *b)
{
	const struct found *x = a, *y = b;

	return x->id != y->id ? (x->id > y->id) - (x->id < y->id) :
	       x->hairpin != y->hairpin ? x->hairpin - y->hairpin :
	       x->first != y->first ? y->first - x->first :
	       memcmp(&x->local.addr, &y->local.addr, sizeof(x->local.addr)) ?: ntohs(x->port) - ntohs(y->port) ?: x->number - y->number;
}

static bool is_first(const struct table_bucket *buckets, __u32 n, const struct table_entry *e)
{
	struct table t = { .buckets = (struct table_bucket *)buckets, .n = n };
	struct table_key key = { e->service.to, table_word(KEY_REPLY, entry_backend(e).family, e->service.port, 0) };
	const struct table_entry *reply = table_lookup(&t, &key);

	return reply && reply->service.id == e->service.id && reply->service.ifindex == e->service.ifindex &&
	       reply->service.port == (__be16)(e->key.word >> 16) &&
	       !memcmp(&reply->service.to, &e->key.addr, sizeof(e->key.addr));
}

static bool is_hairpin(const struct rebuild *r, const struct table_entry *e)
{
	bool lan = false;

	for (size_t i = 0; i < r->n_links; i++)
		lan |= r->links[i].ifindex == e->service.ifindex && r->links[i].role == ROLE_LAN;
	for (size_t i = 0; i < r->host->n_addresses && lan; i++)
		lan = r->host->addresses[i].ifindex != e->service.ifindex ||
		      memcmp(&r->host->addresses[i].local.addr, &e->key.addr, sizeof(e->key.addr));
	return lan && e->service.flags & SERVICE_MASQUERADE;
}

/* Of several backends what is under KEY_SERVICE is one of those that are under KEY_BACKEND too, but for number 0 */
static bool tells(const struct table_entry *e)
{
	__u8 kind = e->key.word;

	return kind >= KEY_BACKEND || (kind == KEY_SERVICE && !(e->service.flags >> SERVICE_BACKEND_SHIFT));
}

static int find_listeners(struct rebuild *r, const struct table_bucket *buckets, __u32 n)
{
	for (__u32 i = 0; i < n * TABLE_WAYS; i++) {
		const struct table_entry *e = &buckets[i / TABLE_WAYS].entry[i % TABLE_WAYS];
		__u8 family = e->key.word >> 8;
		struct found *f;

		if (!e->tag || !tells(e))
			continue;
		f = append(r->found, r->n_found);
		if (!f)
			return -ENOMEM;
		*f = (struct found){
			.local = { e->key.addr, family }, .port = e->key.word >> 16, .ifindex = e->service.ifindex,
			.number = e->service.flags >> SERVICE_BACKEND_SHIFT, .backend = entry_backend(e), .backend_port = e->service.port, .id = e->service.id,
			.first = is_first(buckets, n, e), .report = e->service.flags & SERVICE_DF_REPORT, .hairpin = is_hairpin(r, e),
		};
	}
	if (r->n_found)
		qsort(r->found, r->n_found, sizeof(*r->found), compare_found);
	return 0;
}

/* Of a link and of what carries it */
static __u16 link_flags(const struct rebuild *r, const struct link *link)
{
	__u16 flags = link->flags;

	for (size_t i = 0; i < r->n_links; i++)
		if (r->links[i].ifindex == link->port || r->links[i].above == link->ifindex)
			flags |= r->links[i].flags;
	return flags;
}

static int rebuild_interfaces(struct rebuild *r)
{
	for (size_t i = 0; i < r->n_links; i++) {
		const struct nl_link *link = host_link(r->host, r->links[i].ifindex);
		struct interface_config *in;

		if (!r->links[i].role || !link)
			continue;
		in = append(r->c->interfaces, r->c->n_interfaces);
		if (!in)
			return -ENOMEM;
		strcpy(in->name, link->name);
		in->role = r->links[i].role;
		in->mode = link_flags(r, &r->links[i]) & (LINK_NATIVE | LINK_GENERIC | LINK_L3) ? MODE_AUTO : MODE_TC;
		in->shared = link_flags(r, &r->links[i]) & LINK_SHARED;
	}
	return 0;
}

static int add_port(struct service_config *s, __be16 port)
{
	__be16 *place;

	for (size_t i = 0; i < s->n_ports; i++)
		if (s->ports[i] == port)
			return 0;
	place = append(s->ports, s->n_ports);
	if (place)
		*place = port;
	return place ? 0 : -ENOMEM;
}

static int add_address(struct service_config *s, const struct address *a)
{
	struct address *place;

	for (size_t i = 0; i < s->n_listen_addresses; i++)
		if (address_equal(&s->listen_addresses[i], a))
			return 0;
	place = append(s->listen_addresses, s->n_listen_addresses);
	if (place)
		*place = *a;
	return place ? 0 : -ENOMEM;
}

/* Whether the service listens at all that one interface has: then it listens at the interface */
static const char *whole_interface(const struct rebuild *r, const struct service_config *s, const struct found *f, size_t n)
{
	bool families[2] = { false, false };	/* translated: IPv4, IPv6 */
	size_t there = 0;

	for (size_t i = 0; i < n && !f[i].hairpin; i++) {
		if (f[i].ifindex != f->ifindex)
			return NULL;
		if (translated(&f[i]))
			families[f[i].local.family == FAMILY_IPV6] = true;
	}
	for (size_t i = 0; i < r->host->n_addresses; i++) {
		const struct nl_address *a = &r->host->addresses[i];

		if (a->ifindex == f->ifindex && families[a->local.family == FAMILY_IPV6] && !address_is_link_local(&a->local))
			there++;
	}
	return there == s->n_listen_addresses && host_link(r->host, f->ifindex) ? host_link(r->host, f->ifindex)->name : NULL;
}

/* The bits of an IPv4 prefix; -1: of another */
static int ipv4_length(const struct list_entry *e)
{
	static const __u8 mapped[12] = { [10] = 0xff, [11] = 0xff };

	return e->key.prefixlen >= 32 + 96 && !memcmp(&e->key.addr, mapped, sizeof(mapped)) ? (int)e->key.prefixlen - 32 - 96 : -1;
}

static int add_prefix(struct prefix **list, size_t *n, const struct list_entry *e)
{
	bool ipv4 = ipv4_length(e) >= 0;
	struct prefix *place = append(*list, *n);

	if (!place)
		return -ENOMEM;
	place->addr = e->key.addr;
	place->family = ipv4 ? FAMILY_IPV4 : FAMILY_IPV6;
	place->len = e->key.prefixlen - 32 - (ipv4 ? 96 : 0);
	return 0;
}

/* Prefixes that meant nothing, for another beat them, are not in the map. That some were allowed it says by denying the rest; and
 * 0.0.0.0/0 may say only what the rest is: that it is allowed where there is no list of those who are, that it is denied where
 * some of it is allowed. */
static int rebuild_lists(const struct rebuild *r, struct service_config *s, __u32 id)
{
	const struct list_entry *denied = NULL;
	bool rest = false, all = false, some_ipv4 = false;
	int rc = 0;

	for (size_t i = 0; i < r->n_lists; i++) {
		const struct list_entry *e = &r->lists[i];

		if (ntohl(e->key.id) != (SERVICE_LIST | id))
			continue;
		all |= e->key.prefixlen == 32;
		rest |= e->key.prefixlen == 32 && e->verdict == LIST_DENY;
		some_ipv4 |= ipv4_length(e) > 0 && e->verdict == LIST_ALLOW;
	}
	for (size_t i = 0; i < r->n_lists && !rc; i++) {
		const struct list_entry *e = &r->lists[i];

		if (ntohl(e->key.id) != (SERVICE_LIST | id) || (e->key.prefixlen == 32 && rest) ||
		    (!ipv4_length(e) && (e->verdict == LIST_ALLOW ? !all : some_ipv4)))
			continue;
		denied = e->verdict == LIST_DENY ? e : denied;
		rc = e->verdict == LIST_DENY ? add_prefix(&s->deny, &s->n_deny, e) : add_prefix(&s->allow, &s->n_allow, e);
	}
	return rc ?: rest && !s->n_allow && denied ? add_prefix(&s->allow, &s->n_allow, denied) : 0;
}

static int rebuild_service(struct rebuild *r, const struct service_name *name, const struct found *f, size_t n)
{
	struct service_config *s = append(r->c->services, r->c->n_services);
	char text[ADDRESS_STRLEN];
	struct backend_config *b;
	const char *interface;
	int rc = s ? 0 : -ENOMEM;

	if (rc)
		return rc;
	memcpy(s->name, name->name, sizeof(s->name));
	s->nat = NAT_NONE;
	s->df = f->report ? DF_REPORT : DF_FRAGMENT;
	for (size_t i = 0; i < n && !rc; i++) {
		bool ipv6 = f[i].backend.family == FAMILY_IPV6;

		b = config_rebuild_backend(r->dp, f->id, f[i].number, s);
		if (!b)
			return -ENOMEM;
		strcpy(ipv6 ? b->ipv6 : b->ipv4, address_format(&f[i].backend, text));
		b->port = f[i].backend_port;
		s->hairpin |= f[i].hairpin;
		if (!translated(&f[i]) || f[i].hairpin)
			continue;
		s->nat = NAT_DNAT;
		s->ipv6 = ipv6 ? IPV6_DNAT : s->ipv6;
		rc = add_address(s, &f[i].local) ?: add_port(s, f[i].port);
	}
	if (name->nat == NAT_MASQUERADE) {
		s->nat = NAT_MASQUERADE;
		s->ipv6 = IPV6_DIRECT;
	}
	rc = rc ?: config_rebuild_flows(r->dp, f->id, s) ?: config_rebuild_guard(r->dp, f->id, s);
	interface = rc ? NULL : whole_interface(r, s, f, n);
	if (interface) {
		strcpy(s->listen_interface, interface);
		free(s->listen_addresses);
		s->listen_addresses = NULL;
		s->n_listen_addresses = 0;
	}
	return rc ?: rebuild_lists(r, s, f->id);
}

static int rebuild_services(struct rebuild *r, const struct service_name *names, size_t n_names)
{
	size_t from = 0, to;
	int rc = 0;

	for (__u32 id = 0; id < n_names && !rc; id++) {
		while (from < r->n_found && r->found[from].id < id)
			from++;
		for (to = from; to < r->n_found && r->found[to].id == id; to++)
			;
		if (*names[id].name && to > from)
			rc = rebuild_service(r, &names[id], &r->found[from], to - from);
		else if (*names[id].name && names[id].nat != NAT_BLIND)
			log_warning("service %s: the maps do not tell what it is, for it listens nowhere now: left out",
				    names[id].name);
	}
	return rc;
}

int config_rebuild(const struct dataplane *dp, const struct host *h, struct config **ret)
{
	struct rebuild r = { .dp = dp, .host = h, .c = calloc(1, sizeof(*r.c)) };
	__u32 n = dataplane_entries(dp, MAP_table);
	struct table_bucket *buckets = mmap(NULL, n * sizeof(*buckets), PROT_READ, MAP_SHARED, dp->maps[MAP_table], 0);
	struct service_name *names = NULL;
	size_t n_names = 0;
	int rc = !r.c || buckets == MAP_FAILED ? -ENOMEM : 0;

	if (!rc)
		rc = dataplane_names(dp, &names, &n_names) ?: dataplane_links(dp, &r.links, &r.n_links) ?:
		     dataplane_lists(dp, &r.lists, &r.n_lists);
	if (!rc)
		rc = find_listeners(&r, buckets, n) ?: rebuild_interfaces(&r) ?: rebuild_services(&r, names, n_names) ?:
		     config_rebuild_relay(dp, r.c) ?: config_rebuild_blind(dp, h, r.c);
	if (rc)
		log_error("cannot rebuild the configuration of instance %s from its maps: %s", dp->instance, strerror(-rc));
	if (buckets != MAP_FAILED)
		munmap(buckets, n * sizeof(*buckets));
	free(names);
	free(r.links);
	free(r.found);
	free(r.lists);
	if (rc)
		config_free(r.c);
	else
		*ret = r.c;
	return rc;
}
