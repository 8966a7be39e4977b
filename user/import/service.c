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

void service_drop_lists(struct import_service *i)
{
	free(i->s.allow_lists);
	free(i->s.deny_lists);
	i->s.allow_lists = i->s.deny_lists = NULL;
	i->s.n_allow_lists = i->s.n_deny_lists = 0;
	sources_free(&i->base);
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
	       sources_equal(&a->clients[0], &b->clients[0]) &&
	       sources_equal(&a->clients[1], &b->clients[1]) &&
	       sources_equal(&a->base, &b->base) &&
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

bool service_same_addresses(const struct service_config *a, const struct service_config *b)
{
	for (size_t i = 0; i < a->n_listen_addresses; i++)
		if (address_find(b->listen_addresses, b->n_listen_addresses,
				 &a->listen_addresses[i]) == b->n_listen_addresses)
			return false;
	return a->n_listen_addresses == b->n_listen_addresses &&
	       !strcmp(a->listen_interface, b->listen_interface);
}

bool service_has_port(const struct service_config *s, __be16 port)
{
	for (size_t i = 0; i < s->n_ports; i++)
		if (s->ports[i] == port)
			return true;
	return false;
}

bool service_has_ports(const struct service_config *s, unsigned int first, unsigned int last)
{
	while (first <= last && service_has_port(s, htons(first)))
		first++;
	return first > last;
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
	sources_free(&i->clients[0]);
	sources_free(&i->clients[1]);
	sources_free(&i->base);
	free(i->rules);
}

void service_absorb(struct import_service *to, struct import_service *from)
{
	for (size_t i = 0; i < from->n_rules; i++)
		rules_list_add(&to->rules, &to->n_rules, from->rules[i]);
	service_free(from);
}
