/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Chooses the packets of a comparison. Rules and configuration treat all packets alike that are
 * between the same ends of ports and prefixes, so a packet at each end and beside it is enough.
 */
#include <ifaddrs.h>
#include <string.h>
#include "import/compare_parts.h"
#include "import/way_out.h"
#include "lib/grow.h"
#include "net/netlink.h"

#define CLIENTS_MAX 2000		/* most clients of a family */
#define CLIENTS_LEAST 8			/* leave out ports if fewer clients could be tried */
#define TARGETS_MAX 200
#define INS_MAX 16

#define FORWARDS (1U << HOOK_INGRESS | 1U << HOOK_PREROUTING | 1U << HOOK_FORWARD | \
		  1U << HOOK_POSTROUTING)

struct chooser {
	struct import *im;
	const struct config *config;
	struct compare_space *s;
	/* Private sources of rules that translate sources: networks behind this host. */
	struct prefix *behind;
	size_t n_behind;
};

/* Returns whether the rule may see a forwarded UDP packet. */
static bool is_relevant(const struct chooser *c, const struct rule *rule)
{
	return !rule->never && c->im->rules.chains[rule->chain].hooks & FORWARDS;
}

static bool translates(const struct chooser *c, const struct rule *rule)
{
	const struct rule_chain *chain = &c->im->rules.chains[rule->chain];

	return chain->hooks & 1U << HOOK_PREROUTING &&
	       (rule->verdict == RULE_DNAT || rule->verdict == RULE_REDIRECT);
}

static const struct prefix *host_of(const struct rule_value *v)
{
	return v->prefix.len == (v->prefix.family == FAMILY_IPV4 ? 32 : 128) ? &v->prefix : NULL;
}

/* ---- interfaces ---- */

static void add_in(struct chooser *c, const char *name)
{
	if (!name || !*name || strchr(name, '*') || c->s->n_ins >= INS_MAX)
		return;
	for (size_t i = 0; i < c->s->n_ins; i++)
		if (!strcmp(c->s->ins[i], name))
			return;
	*append(c->s->ins, c->s->n_ins) = name;
}

/* Returns whether rules masquerade packets to backends that leave by the interface, so that it
 * leads to backends. */
static bool is_lan(const struct chooser *c, const char *name)
{
	for (size_t i = 0; i < c->im->n_lans; i++)
		if (!strcmp(c->im->lans[i], name))
			return true;
	return false;
}

static void add_ins_of_rule(struct chooser *c, const struct rule *rule)
{
	for (size_t i = 0; i < rule->n; i++) {
		const struct rule_match *m = &rule->matches[i];

		for (size_t j = 0; j < m->n && m->field == FIELD_IN && !m->unlike; j++)
			if (!is_lan(c, m->values[j].name))
				add_in(c, m->values[j].name);
	}
}

static void choose_ins(struct chooser *c)
{
	for (size_t i = 0; i < c->config->n_interfaces; i++)
		if (c->config->interfaces[i].role == ROLE_WAN)
			add_in(c, c->config->interfaces[i].name);
	for (size_t i = 0; i < c->config->n_services; i++)
		add_in(c, c->config->services[i].listen_interface);
	add_in(c, c->im->wan);
	for (size_t i = 0; i < c->im->rules.n; i++)
		if (translates(c, &c->im->rules.list[i]) && is_relevant(c, &c->im->rules.list[i]))
			add_ins_of_rule(c, &c->im->rules.list[i]);
	if (!c->s->n_ins)
		append(c->s->ins, c->s->n_ins);	/* the one element is NULL: unknown */
}

/* ---- destinations ---- */

static void add_target(struct chooser *c, const struct address *to, __u8 family, bool local)
{
	for (size_t i = 0; i < c->s->n_targets; i++)
		if (c->s->targets[i].family == family && address_equal(&c->s->targets[i].to, to))
			return;
	c->s->left_out += c->s->n_targets >= TARGETS_MAX;
	if (c->s->n_targets >= TARGETS_MAX)
		return;
	*append(c->s->targets, c->s->n_targets) = (struct compare_target){ *to, family, local };
}

/* Adds the address of a backend to which clients send themselves. */
static void add_backend(struct chooser *c, const struct service_config *s, const char *text)
{
	struct address a;

	if (!*text || address_parse(text, &a))
		return;
	if (s->nat == NAT_NONE || (s->nat == NAT_DNAT && a.family == FAMILY_IPV6 &&
				   s->ipv6 == IPV6_DIRECT))
		add_target(c, &a, a.family, false);
}

static bool is_served(const struct chooser *c, __u8 family)
{
	for (size_t i = 0; i < c->config->n_services; i++)
		if (service_has_family(&c->config->services[i], family))
			return true;
	for (size_t i = 0; i < c->im->rules.n; i++) {
		const struct rule *rule = &c->im->rules.list[i];

		if (translates(c, rule) && rule->to.family == family)
			return true;
	}
	return false;
}

/* Adds the addresses of this host's interfaces on which clients arrive. */
static void add_own(struct chooser *c)
{
	struct ifaddrs *list = NULL;
	struct address a;

	if (getifaddrs(&list))
		return;
	for (const struct ifaddrs *i = list; i; i = i->ifa_next) {
		bool wan = false;

		for (size_t j = 0; j < c->s->n_ins && c->s->ins[j]; j++)
			wan |= !strcmp(c->s->ins[j], i->ifa_name);
		if (!wan || !i->ifa_addr)
			continue;
		a = address_from_socket(i->ifa_addr);
		if (a.family && !address_is_link_local(&a))
			add_target(c, &a, a.family, true);
	}
	freeifaddrs(list);
}

static void choose_targets(struct chooser *c)
{
	static const __u8 families[] = { FAMILY_IPV4, FAMILY_IPV6 };

	for (size_t i = 0; i < c->config->n_services; i++) {
		const struct service_config *s = &c->config->services[i];

		for (size_t j = 0; j < s->n_listen_addresses; j++)
			add_target(c, &s->listen_addresses[j], s->listen_addresses[j].family, true);
		add_backend(c, s, s->backend.ipv4);
		add_backend(c, s, s->backend.ipv6);
	}
	if (c->im->live)
		add_own(c);
	for (size_t i = 0; i < c->im->rules.n; i++) {
		const struct rule *rule = &c->im->rules.list[i];

		if (!is_relevant(c, rule) || !c->im->rules.chains[rule->chain].nat ||
		    !(c->im->rules.chains[rule->chain].hooks & 1U << HOOK_PREROUTING))
			continue;
		for (size_t j = 0; j < rule->n; j++) {
			const struct rule_match *m = &rule->matches[j];

			for (size_t k = 0; k < m->n && m->field == FIELD_TO; k++)
				if (host_of(&m->values[k]))
					add_target(c, &(struct address){
						m->values[k].prefix.addr,
						m->values[k].prefix.family },
						m->values[k].prefix.family, true);
		}
	}
	for (size_t f = 0; f < 2; f++)
		if (is_served(c, families[f]))
			add_target(c, &(struct address){ .family = 0 }, families[f], true);
}

/* ---- ports ---- */

static void add_ports(struct chooser *c, unsigned int first, unsigned int last)
{
	const unsigned int all[] = { first - 1, first, first + 1, last - 1, last, last + 1 };

	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++)
		if (all[i] && all[i] < 65536)
			*append(c->s->ports, c->s->n_ports) = all[i];
}

static void add_ports_of_rule(struct chooser *c, const struct rule *rule)
{
	if (rule->verdict == RULE_DNAT && rule->ports.first)
		add_ports(c, rule->ports.first, rule->ports.last);
	for (size_t j = 0; j < rule->n; j++) {
		const struct rule_match *m = &rule->matches[j];

		for (size_t k = 0; k < m->n && (m->field == FIELD_PORT ||
						m->field == FIELD_FIRST_PORT); k++)
			add_ports(c, m->values[k].ports.first, m->values[k].ports.last);
	}
}

static int by_port(const void *a, const void *b)
{
	return *(const __u16 *)a - *(const __u16 *)b;
}

static void choose_ports(struct chooser *c)
{
	size_t n = 0, most;

	for (size_t i = 0; i < c->config->n_services; i++) {
		const struct service_config *s = &c->config->services[i];

		for (size_t j = 0; j < s->n_ports; j++)
			add_ports(c, ntohs(s->ports[j]), ntohs(s->ports[j]));
		if (!s->n_backends)
			add_ports(c, ntohs(s->backend.port), ntohs(s->backend.port));
	}
	for (size_t i = 0; i < c->im->rules.n; i++) {
		const struct rule *rule = &c->im->rules.list[i];

		if (is_relevant(c, rule))
			add_ports_of_rule(c, rule);
	}
	if (!c->s->n_ports)
		add_ports(c, 51820, 51820);
	qsort(c->s->ports, c->s->n_ports, sizeof(*c->s->ports), by_port);
	for (size_t i = 0; i < c->s->n_ports; i++)
		if (!n || c->s->ports[n - 1] != c->s->ports[i])
			c->s->ports[n++] = c->s->ports[i];
	most = PACKETS_MAX / 2 / CLIENTS_LEAST / (c->s->n_ins * (c->s->n_targets ?: 1)) ?: 1;
	for (size_t i = 0; i < most && n > most; i++)
		c->s->ports[i] = c->s->ports[i * n / most];
	c->s->left_out += n > most ? n - most : 0;
	c->s->n_ports = n > most ? most : n;
}

/* ---- clients ---- */

/* Adds networks behind this host. Their clients are no clients of a wan. */
static void find_behind(struct chooser *c)
{
	for (size_t i = 0; i < c->im->rules.n; i++) {
		const struct rule *rule = &c->im->rules.list[i];

		for (size_t j = 0; j < rule->n && rule->verdict == RULE_SNAT; j++) {
			const struct rule_match *m = &rule->matches[j];

			for (size_t k = 0; k < m->n && m->field == FIELD_SOURCE; k++) {
				const struct prefix *p = &m->values[k].prefix;
				struct address a = { p->addr, p->family };

				if (is_private(&a))
					*append(c->behind, c->n_behind) = *p;
			}
		}
	}
}

/* Returns whether no client on a wan has this address. */
static bool is_no_client(const struct chooser *c, const struct address *a)
{
	static const char *const texts[] = {
		"0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/3", "::/8", "fe80::/10",
		"ff00::/8",
	};
	struct nl_way way;
	struct prefix p;
	char name[IFNAMSIZ];
	bool wan = false;

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		if (!prefix_parse(texts[i], &p) && prefix_covers(&p, a))
			return true;
	for (size_t i = 0; i < c->n_behind; i++)
		if (prefix_covers(&c->behind[i], a))
			return true;
	for (size_t i = 0; i < c->s->n_targets; i++)
		if (address_equal(&c->s->targets[i].to, a))
			return true;
	if (!c->im->live || nl_way(a, NULL, 0, 0, &way) || !if_indextoname(way.oif, name))
		return false;
	for (size_t i = 0; i < c->s->n_ins && c->s->ins[i]; i++)
		wan |= !strcmp(c->s->ins[i], name);
	return !wan && *c->s->ins;
}

static void add_client(struct chooser *c, const struct address *a)
{
	size_t f = a->family != FAMILY_IPV4;
	struct address *place = append(c->s->clients[f], c->s->n_clients[f]);

	*place = *a;
}

/* Returns the next address (up: true) or the one before. It may be of no network. */
static struct address neighbour(struct address a, bool up)
{
	for (int i = 15; i >= 0; i--)
		if (up ? ++a.addr.b[i] : a.addr.b[i]--)
			break;
	return a;
}

static void add_clients(struct chooser *c, const struct prefix *p)
{
	struct address first = { p->addr, p->family }, last = { prefix_last(p), p->family };
	struct address before = neighbour(first, false), behind = neighbour(last, true);
	struct prefix all = { .family = p->family };

	if (p->family == FAMILY_IPV4)
		all.addr.b[10] = all.addr.b[11] = 0xff;
	else if (!p->len)
		return;
	all.len = 0;
	if (prefix_covers(&all, &before))
		add_client(c, &before);
	add_client(c, &first);
	add_client(c, &last);
	if (prefix_covers(&all, &behind))
		add_client(c, &behind);
}

static int by_address(const void *a, const void *b)
{
	const struct address *x = a, *y = b;

	return memcmp(&x->addr, &y->addr, sizeof(x->addr));
}

/* Sorts the clients of a family, and leaves `most` of them, spread evenly. */
static void sort_clients(struct chooser *c, size_t f, size_t most)
{
	struct address *list = c->s->clients[f];
	size_t n = 0, all = c->s->n_clients[f];

	qsort(list, all, sizeof(*list), by_address);
	for (size_t i = 0; i < all; i++)
		if ((!n || by_address(&list[n - 1], &list[i])) && !is_no_client(c, &list[i]))
			list[n++] = list[i];
	most = most < CLIENTS_MAX ? most : CLIENTS_MAX;
	for (size_t i = 0; i < most && n > most; i++)
		list[i] = list[i * n / most];
	c->s->left_out += n > most ? n - most : 0;
	c->s->n_clients[f] = n > most ? most : n;
}

static void add_clients_of_rule(struct chooser *c, const struct rule *rule)
{
	for (size_t j = 0; j < rule->n; j++) {
		const struct rule_match *m = &rule->matches[j];
		const struct rule_set *set = m->set ? &c->im->rules.sets[m->set - 1] : NULL;

		for (size_t k = 0; k < m->n && m->field == FIELD_SOURCE; k++)
			add_clients(c, &m->values[k].prefix);
		for (size_t k = 0; set && k < set->n; k++)
			add_clients(c, &set->list[k]);
	}
}

static void choose_clients(struct chooser *c)
{
	static const char *const always[] = { "203.0.113.7", "2001:db8:3::7", "2001:db8:4::7" };
	size_t each, n_targets[2] = { 0 };
	struct address a;

	for (size_t i = 0; i < sizeof(always) / sizeof(*always); i++)
		if (!address_parse(always[i], &a))
			add_client(c, &a);
	for (size_t i = 0; i < c->config->n_services; i++) {
		const struct service_config *s = &c->config->services[i];

		for (size_t j = 0; j < s->n_allow; j++)
			add_clients(c, &s->allow[j]);
		for (size_t j = 0; j < s->n_deny; j++)
			add_clients(c, &s->deny[j]);
	}
	find_behind(c);
	for (size_t i = 0; i < c->im->rules.n; i++)
		if (is_relevant(c, &c->im->rules.list[i]))
			add_clients_of_rule(c, &c->im->rules.list[i]);
	for (size_t i = 0; i < c->s->n_targets; i++)
		n_targets[c->s->targets[i].family != FAMILY_IPV4]++;
	for (size_t f = 0; f < 2; f++) {
		each = c->s->n_ins * n_targets[f] * c->s->n_ports;
		sort_clients(c, f, PACKETS_MAX / 2 / (each ?: 1));
	}
}

void compare_choose(struct import *im, const struct config *config, struct compare_space *s)
{
	struct chooser c = { .im = im, .config = config, .s = s };

	choose_ins(&c);
	choose_targets(&c);
	choose_ports(&c);
	choose_clients(&c);
	free(c.behind);
}

void compare_space_free(struct compare_space *s)
{
	free(s->ins);
	free(s->targets);
	free(s->ports);
	free(s->clients[0]);
	free(s->clients[1]);
}
