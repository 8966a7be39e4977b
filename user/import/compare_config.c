/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Returns what a configuration does with a packet, as wgxdp.yaml(5) says it. It uses nothing that
 * the rest of import/ made, so that it finds mistakes there.
 */
#include <string.h>
#include "import/compare_parts.h"

/* ---- the service ---- */

/* Returns whether the address or name is this address. */
static bool is_address(const char *text, const struct address *a)
{
	struct address parsed;

	return *text && !address_parse(text, &parsed) && address_equal(&parsed, a);
}

static bool has_port(const struct service_config *s, __u16 port)
{
	for (size_t i = 0; i < s->n_ports; i++)
		if (ntohs(s->ports[i]) == port)
			return true;
	return false;
}

/* Returns whether clients may arrive on the interface, for a service that names none. */
static bool is_wan(const struct config *c, const char *in)
{
	bool any = false;

	for (size_t i = 0; i < c->n_interfaces; i++) {
		if (c->interfaces[i].role != ROLE_WAN)
			continue;
		if (in && !strcmp(c->interfaces[i].name, in))
			return true;
		any = true;
	}
	for (size_t i = 0; i < c->n_services; i++) {
		if (!*c->services[i].listen_interface)
			continue;
		if (in && !strcmp(c->services[i].listen_interface, in))
			return true;
		any = true;
	}
	return !any;
}

static bool is_in(const struct config *c, const struct service_config *s, const char *in)
{
	return *s->listen_interface ? in && !strcmp(s->listen_interface, in) : is_wan(c, in);
}

/* Returns whether the packet goes to the backend's own address, and the service forwards it so. */
static bool is_direct(const struct service_config *s, const struct compare_packet *p)
{
	const char *backend = p->family == FAMILY_IPV4 ? s->backend.ipv4 : s->backend.ipv6;

	return service_is_direct(s, p->family) && !s->n_backends &&
	       ntohs(s->backend.port) == p->port && p->to.family && is_address(backend, &p->to);
}

static bool has_backend(const struct service_config *s, __u8 family)
{
	if (s->nat == NAT_MASQUERADE)
		return family == FAMILY_IPV4 || s->ipv6 != IPV6_OFF;
	return service_has_family(s, family);
}

static bool listens(const struct service_config *s, const struct compare_packet *p)
{
	if (s->nat == NAT_NONE || !has_port(s, p->port) || !has_backend(s, p->family) ||
	    (s->nat == NAT_DNAT && p->family == FAMILY_IPV6 && s->ipv6 != IPV6_DNAT))
		return false;
	if (*s->listen_interface)
		return p->local;
	return p->to.family && address_find(s->listen_addresses, s->n_listen_addresses, &p->to) <
			       s->n_listen_addresses;
}

/* ---- its clients ---- */

enum said { NOT_IN, IS_IN, IS_UNKNOWN };

static bool in_prefixes(const struct prefix *list, size_t n, const struct address *a)
{
	for (size_t i = 0; i < n; i++)
		if (list[i].family == a->family && prefix_covers(&list[i], a))
			return true;
	return false;
}

static enum said in_lists(const struct list_config *list, size_t n, const struct compare_packet *p,
			  compare_find_set *find, void *data, const struct list_config **ret)
{
	enum said found = NOT_IN;

	for (size_t i = 0; i < n; i++) {
		const struct rule_set *set = list[i].source == LIST_NFT_SET ?
					     find(data, list[i].name) : NULL;

		if (set && !in_prefixes(set->list, set->n, &p->from))
			continue;
		*ret = &list[i];
		found = set ? IS_IN : IS_UNKNOWN;
		if (set)
			break;
	}
	return found;
}

/* Returns whether the service lets the client in; IS_UNKNOWN: a list decides that is not known. */
static enum said lets_in(const struct service_config *s, const struct compare_packet *p,
			 compare_find_set *find, void *data, struct compare_answer *a)
{
	enum said denied, allowed;

	a->why = "its deny has the client";
	if (in_prefixes(s->deny, s->n_deny, &p->from))
		return NOT_IN;
	if (in_prefixes(s->allow, s->n_allow, &p->from))
		return IS_IN;
	denied = in_lists(s->deny_lists, s->n_deny_lists, p, find, data, &a->list);
	if (denied)
		return denied == IS_IN ? NOT_IN : IS_UNKNOWN;
	a->why = "its allow lacks the client";
	allowed = in_lists(s->allow_lists, s->n_allow_lists, p, find, data, &a->list);
	return allowed || s->n_allow || s->n_allow_lists ? allowed : IS_IN;
}

/* ---- the answer ---- */

static struct compare_answer forward(const struct service_config *s,
				     const struct compare_packet *p, struct compare_answer a)
{
	const char *backend = p->family == FAMILY_IPV4 ? s->backend.ipv4 : s->backend.ipv6;

	a.way = WAY_FORWARD;
	a.why = NULL;
	a.list = NULL;
	if (is_direct(s, p)) {
		a.to = p->to;
		a.port = p->port;
		return a;
	}
	if (!*backend)
		backend = p->family == FAMILY_IPV4 ? s->backend.ipv6 : s->backend.ipv4;
	if (s->n_backends || address_parse(backend, &a.to)) {
		a.way = WAY_UNDECIDED;
		a.why = s->n_backends ? "it has several backends" : "its backend is a DNS name";
		return a;
	}
	a.port = ntohs(s->backend.port);
	if (s->nat == NAT_MASQUERADE) {
		a.masquerades = true;
		a.sources = s->flows.sources;
		a.n_sources = s->flows.n_sources;
		a.ports = s->flows.ports;
	}
	return a;
}

struct compare_answer compare_config(const struct config *c, const struct compare_packet *p,
				     compare_find_set *find, void *data)
{
	struct compare_answer a = { .way = WAY_KERNEL, .rule = NONE, .chain = NONE };
	enum said said;

	for (size_t i = 0; i < c->n_services && !a.service; i++) {
		const struct service_config *s = &c->services[i];

		if (is_in(c, s, p->in) && (is_direct(s, p) || listens(s, p)))
			a.service = s;
	}
	if (!a.service && *c->blind.device && ntohs(c->blind.port) == p->port && p->in &&
	    !strcmp(c->blind.interface, p->in) && p->local) {
		a.way = WAY_UNDECIDED;
		a.why = "the blind relay takes it if it is a message of a site";
	}
	if (!a.service)
		return a;
	said = lets_in(a.service, p, find, data, &a);
	if (said == IS_IN)
		return forward(a.service, p, a);
	a.way = said == NOT_IN ? WAY_DROP : WAY_UNDECIDED;
	if (said == IS_UNKNOWN)
		a.why = "it has a list whose entries are not in the rules";
	return a;
}
