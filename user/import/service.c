/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Implements service.h.
 */
#include <string.h>
#include "import/service.h"
#include "lib/grow.h"

bool service_same_place(const struct backend_config *a, const struct backend_config *b)
{
	return !strcmp(a->ipv4, b->ipv4) && !strcmp(a->ipv6, b->ipv6) && a->port == b->port;
}

static bool same_lists(const struct list_config *a, size_t n_a, const struct list_config *b,
		       size_t n_b)
{
	for (size_t i = 0; i < n_a && i < n_b; i++)
		if (a[i].source != b[i].source || strcmp(a[i].name, b[i].name))
			return false;
	return n_a == n_b;
}

static bool same_prefixes(const struct prefix *a, size_t n_a, const struct prefix *b, size_t n_b)
{
	for (size_t i = 0; i < n_a && i < n_b; i++)
		if (prefix_compare(&a[i], &b[i]))
			return false;
	return n_a == n_b;
}

bool service_same_result(const struct import_service *a, const struct import_service *b)
{
	return a->family == b->family && !strcmp(a->in, b->in) && a->s.nat == b->s.nat &&
	       a->s.hairpin == b->s.hairpin &&
	       service_same_place(&a->s.backend, &b->s.backend) &&
	       same_prefixes(a->s.allow, a->s.n_allow, b->s.allow, b->s.n_allow) &&
	       same_prefixes(a->s.deny, a->s.n_deny, b->s.deny, b->s.n_deny) &&
	       same_lists(a->s.allow_lists, a->s.n_allow_lists, b->s.allow_lists,
			  b->s.n_allow_lists) &&
	       same_lists(a->s.deny_lists, a->s.n_deny_lists, b->s.deny_lists,
			  b->s.n_deny_lists) &&
	       a->s.flows.ports.first == b->s.flows.ports.first &&
	       a->s.flows.ports.last == b->s.flows.ports.last &&
	       a->s.flows.n_sources == b->s.flows.n_sources &&
	       (!a->s.flows.n_sources || !memcmp(a->s.flows.sources, b->s.flows.sources,
						 a->s.flows.n_sources * sizeof(struct address)));
}

static bool same_addresses(const struct service_config *a, const struct service_config *b)
{
	for (size_t i = 0; i < a->n_listen_addresses; i++)
		if (address_find(b->listen_addresses, b->n_listen_addresses,
				 &a->listen_addresses[i]) == b->n_listen_addresses)
			return false;
	return a->n_listen_addresses == b->n_listen_addresses &&
	       !strcmp(a->listen_interface, b->listen_interface);
}

bool service_same_ports(const struct service_config *a, const struct service_config *b)
{
	for (size_t i = 0; i < a->n_ports; i++)
		if (!service_has_port(b, a->ports[i]))
			return false;
	return a->n_ports == b->n_ports;
}

void service_add_address(struct service_config *s, const struct address *a)
{
	if (address_find(s->listen_addresses, s->n_listen_addresses, a) == s->n_listen_addresses)
		*append(s->listen_addresses, s->n_listen_addresses) = *a;
}

void service_free(struct import_service *i)
{
	config_free_service(&i->s);
	free(i->rules);
}

void service_absorb(struct import_service *to, struct import_service *from)
{
	for (size_t i = 0; i < from->n_rules; i++)
		rules_list_add(&to->rules, &to->n_rules, from->rules[i]);
	service_free(from);
}

void service_add(struct import *im, struct import_service *made, unsigned int port)
{
	struct import_service *to = NULL;

	for (size_t i = 0; i < im->n_services && !to; i++)
		if (service_same_result(&im->services[i], made) &&
		    same_addresses(&im->services[i].s, &made->s) &&
		    (im->services[i].rules[0] == made->rules[0] ||
		     service_has_port(&im->services[i].s, htons(port))))
			to = &im->services[i];
	if (to) {
		service_absorb(to, made);
	} else {
		to = append(im->services, im->n_services);
		*to = *made;
	}
	if (!service_has_port(&to->s, htons(port)))
		*append(to->s.ports, to->s.n_ports) = htons(port);
}

void rules_list_add(size_t **list, size_t *n, size_t rule)
{
	for (size_t i = 0; i < *n; i++)
		if ((*list)[i] == rule)
			return;
	*append(*list, *n) = rule;
}
