/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Joins services that differ only in address or family, and names them.
 */
#include <string.h>
#include "config/config_check.h"
#include "import/live.h"
#include "lib/grow.h"

static bool is_open(const struct import_service *i)
{
	return !i->s.n_allow && !i->s.n_deny;
}

static void remove_service(struct import *im, size_t i)
{
	memmove(&im->services[i], &im->services[i + 1],
		(--im->n_services - i) * sizeof(*im->services));
}

/* Joins the addresses of two services that are alike. */
static bool join_addresses(struct import_service *a, struct import_service *b)
{
	if (!a->s.n_listen_addresses || !b->s.n_listen_addresses || !service_same_result(a, b) ||
	    !service_same_ports(&a->s, &b->s) || a->rules[0] != b->rules[0])
		return false;
	for (size_t i = 0; i < b->s.n_listen_addresses; i++)
		service_add_address(&a->s, &b->s.listen_addresses[i]);
	service_absorb(a, b);
	return true;
}

/* Adds the lists of a service to those of another one. */
static void join_lists(struct list_config **to, size_t *n, const struct list_config *from,
		       size_t n_from)
{
	for (size_t i = 0; i < n_from; i++)
		*append(*to, *n) = from[i];
}

/* Joins a service for IPv4 and one for IPv6. */
static bool join_families(struct import_service *a, struct import_service *b)
{
	struct import_service *v4 = a->family == FAMILY_IPV4 ? a : b, *v6 = v4 == a ? b : a;

	if (v4->family != FAMILY_IPV4 || v6->family != FAMILY_IPV6 || a->s.nat != b->s.nat ||
	    a->s.nat == NAT_NONE || strcmp(a->in, b->in) || !service_same_ports(&a->s, &b->s) ||
	    strcmp(a->s.listen_interface, b->s.listen_interface) ||
	    a->s.backend.port != b->s.backend.port || a->s.hairpin != b->s.hairpin ||
	    !is_open(a) || !is_open(b) || !a->s.n_allow_lists != !b->s.n_allow_lists ||
	    a->s.flows.ports.last != b->s.flows.ports.last ||
	    a->s.flows.ports.first != b->s.flows.ports.first)
		return false;
	strcpy(a == v4 ? a->s.backend.ipv6 : a->s.backend.ipv4,
	       a == v4 ? b->s.backend.ipv6 : b->s.backend.ipv4);
	for (size_t i = 0; i < b->s.n_listen_addresses; i++)
		service_add_address(&a->s, &b->s.listen_addresses[i]);
	for (size_t i = 0; i < b->s.flows.n_sources; i++)
		*append(a->s.flows.sources, a->s.flows.n_sources) = b->s.flows.sources[i];
	join_lists(&a->s.allow_lists, &a->s.n_allow_lists, b->s.allow_lists, b->s.n_allow_lists);
	join_lists(&a->s.deny_lists, &a->s.n_deny_lists, b->s.deny_lists, b->s.n_deny_lists);
	a->s.ipv6 = a->s.nat == NAT_DNAT ? IPV6_DNAT : IPV6_DIRECT;
	a->family = 0;
	service_absorb(a, b);
	return true;
}

void services_join_addresses(struct import *im)
{
	for (size_t i = 0; i < im->n_services; i++)
		for (size_t j = i + 1; j < im->n_services; j++)
			if (join_addresses(&im->services[i], &im->services[j]))
				remove_service(im, j--);
}

void services_join_families(struct import *im)
{
	for (size_t i = 0; i < im->n_services; i++)
		for (size_t j = i + 1; j < im->n_services && im->services[i].family; j++)
			if (join_families(&im->services[i], &im->services[j]))
				remove_service(im, j--);
}

/* ---- names ---- */

static bool is_name_used(const struct import *im, const char *name)
{
	for (size_t i = 0; i < im->n_services; i++)
		if (!strcmp(im->services[i].s.name, name))
			return true;
	return false;
}

/* Names a service after the comment of one of its rules, or after its port. */
static void set_name(const struct import *im, struct import_service *i)
{
	char name[NAME_LEN] = "", base[NAME_LEN - 12];
	const char *text = "";

	for (size_t j = 0; j < i->n_rules && !*text; j++)
		if (!im->rules[i->rules[j]].drops)
			text = im->rules[i->rules[j]].comment;
	text += !strncmp(text, "service ", 8) ? 8 : !strncmp(text, "!fw4: ", 6) ? 6 : 0;
	for (size_t n = 0; *text && n + 1 < sizeof(base); text++) {
		bool good = (*text >= 'a' && *text <= 'z') || (*text >= 'A' && *text <= 'Z') ||
			    (*text >= '0' && *text <= '9') || strchr("-_.", *text);

		name[n++] = good ? *text : '-';
		name[n] = '\0';
	}
	if (!is_service_name(name))
		snprintf(name, sizeof(name), "udp-%u",
			 ntohs(i->s.n_ports ? i->s.ports[0] : i->s.backend.port));
	snprintf(base, sizeof(base), "%.*s", (int)sizeof(base) - 1, name);
	for (int n = 2; is_name_used(im, name); n++)
		snprintf(name, sizeof(name), "%s-%d", base, n);
	strcpy(i->s.name, name);
}

/* Refuses IPv4 clients, which a masquerading service would translate to its IPv6 backend. */
static void refuse_ipv4(struct service_config *s)
{
	struct prefix *place = append(s->deny, s->n_deny);

	*place = (struct prefix){ .family = FAMILY_IPV4 };
	place->addr.b[10] = place->addr.b[11] = 0xff;
}

/* Puts the elements of nf_tables' sets in place of lists. */
static void copy_lists(struct import *im, struct list_config **lists, size_t *n_lists,
		       struct prefix **to, size_t *n_to)
{
	for (size_t i = 0; i < *n_lists; i++)
		for (size_t k = 0; k < im->rehearsal->n_sets; k++) {
			const struct copied_set *s = &im->rehearsal->sets[k];
			char name[LIST_NAME_LEN];
			struct list_keys keys = { 0 };

			live_set_name(s, name);
			if (!s->family || strcmp((*lists)[i].name, name) ||
			    rehearsal_elements(im->rehearsal, s, &keys))
				continue;
			for (size_t j = 0; j < keys.n; j++)
				*append(*to, *n_to) = (struct prefix){
					keys.list[j].addr, s->addresses, keys.list[j].prefixlen -
					(s->addresses == FAMILY_IPV4 ? 128 : 32) };
			list_keys_free(&keys);
		}
	free(*lists);
	*lists = NULL;
	*n_lists = 0;
}

/* Copies the elements of the sets that lists follow, if an instance cannot have so many lists. */
static void limit_lists(struct import *im)
{
	size_t n = 0;

	for (size_t i = 0; i < im->n_services; i++) {
		struct service_config *s = &im->services[i].s;

		n += s->n_allow_lists + s->n_deny_lists;
		if (n <= LISTS_MAX)
			continue;
		import_lose(&im->lost, "%s: the service copies the elements of sets, because "
			    "wgxdp follows at most %d lists", s->name, LISTS_MAX);
		copy_lists(im, &s->allow_lists, &s->n_allow_lists, &s->allow, &s->n_allow);
		copy_lists(im, &s->deny_lists, &s->n_deny_lists, &s->deny, &s->n_deny);
	}
}

void services_finish(struct import *im)
{
	for (size_t i = 0; i < im->n_services; i++) {
		struct import_service *s = &im->services[i];

		if (s->family == FAMILY_IPV6 && s->s.nat == NAT_MASQUERADE &&
		    *s->s.listen_interface && !s->s.n_allow)
			refuse_ipv4(&s->s);
		set_name(im, s);
	}
	limit_lists(im);
}
