/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Implements rules.h.
 */
#include <stdarg.h>
#include <string.h>
#include "config/config_check.h"
#include "import/rules.h"
#include "lib/grow.h"

#define LOOKUPS_MAX 500000000	/* steps of searches: some seconds */
#define DEPTH_MAX 32			/* nested jumps at most; the kernel has 16 */

/* ---- chains and rules ---- */

static bool is_chain(const struct rule_chain *c, const char *table, const char *name)
{
	return !strcmp(c->name, name) && !strcmp(c->table, table);
}

bool rules_search(struct rules *r, size_t steps)
{
	r->lookups += steps;
	r->too_many |= r->lookups > LOOKUPS_MAX;
	return !r->too_many;
}

size_t rules_chain(struct rules *r, const char *table, const char *name, unsigned int families)
{
	struct rule_chain *c;

	if (r->latest < r->n_chains && is_chain(&r->chains[r->latest], table, name))
		return r->latest;
	for (size_t i = 0; i < r->n_chains; i++)
		if (is_chain(&r->chains[i], table, name)) {
			rules_search(r, i);
			return r->latest = i;
		}
	if (!rules_search(r, r->n_chains) || r->n_chains >= RULES_MAX) {
		r->too_many = true;
		return NONE;
	}
	c = append(r->chains, r->n_chains);
	snprintf(c->table, sizeof(c->table), "%s", table);
	snprintf(c->name, sizeof(c->name), "%s", name);
	c->families = families;
	c->first = c->last = NONE;
	return r->latest = r->n_chains - 1;
}

void rules_add(struct rules *r, const struct rule *rule, size_t position)
{
	struct rule_chain *c = rule->chain < r->n_chains ? &r->chains[rule->chain] : NULL;
	struct rule *place = c && r->n < RULES_MAX ? append(r->list, r->n) : NULL;
	size_t before = NONE, at = c ? c->first : NONE;

	if (!place) {
		struct rule gone = *rule;

		r->too_many |= r->n >= RULES_MAX;
		rule_free(&gone);
		return;
	}
	*place = *rule;
	if (!position) {
		before = c->last;
		at = NONE;
	}
	while (position > 1 && at != NONE && rules_search(r, 1)) {
		before = at;
		at = r->list[at].next;
		position--;
	}
	place->next = at;
	*(before == NONE ? &c->first : &r->list[before].next) = r->n - 1;
	if (at == NONE)
		c->last = r->n - 1;
}

static void mark_hook(struct rules *r, size_t chain, unsigned int hook, unsigned int depth)
{
	struct rule_chain *c = &r->chains[chain];

	if (c->hooks & hook || depth > DEPTH_MAX)
		return;
	c->hooks |= hook;
	for (size_t i = c->first; i != NONE; i = r->list[i].next) {
		if (r->list[i].to_chain != NONE)
			mark_hook(r, r->list[i].to_chain, hook, depth + 1);
	}
}

static int by_name(const void *a, const void *b)
{
	const struct rule_chain *x = *(struct rule_chain *const *)a;
	const struct rule_chain *y = *(struct rule_chain *const *)b;

	return strcmp(x->name, y->name) ?: strcmp(x->table, y->table);
}

void rules_link(struct rules *r)
{
	struct rule_chain **sorted = xcalloc(r->n_chains, sizeof(*sorted)), key = { 0 };
	struct rule_chain *wanted = &key, **found;

	for (size_t i = 0; i < r->n_chains; i++)
		sorted[i] = &r->chains[i];
	qsort(sorted, r->n_chains, sizeof(*sorted), by_name);
	for (size_t i = 0; i < r->n; i++) {
		struct rule *rule = &r->list[i];

		rule->to_chain = NONE;
		if (rule->verdict != RULE_JUMP && rule->verdict != RULE_GOTO)
			continue;
		strcpy(key.table, r->chains[rule->chain].table);
		strcpy(key.name, rule->target);
		found = bsearch(&wanted, sorted, r->n_chains, sizeof(*sorted), by_name);
		rule->to_chain = found ? (size_t)(*found - r->chains) : NONE;
	}
	free(sorted);
	for (size_t i = 0; i < r->n_chains; i++)
		if (r->chains[i].is_base)
			mark_hook(r, i, 1U << r->chains[i].hook, 0);
}

void rule_free(struct rule *rule)
{
	for (size_t i = 0; i < rule->n; i++)
		free(rule->matches[i].values);
	free(rule->matches);
	free(rule->origin);
	free(rule->text);
	free(rule->why);
}

struct rule_set *rules_set(struct rules *r, const char *name)
{
	for (size_t i = 0; i < r->n_sets && rules_search(r, 1); i++)
		if (!strcmp(r->sets[i].name, name))
			return &r->sets[i];
	return NULL;
}

struct rule_set *rules_add_set(struct rules *r, const char *name, __u8 family,
			       const struct rule_match *elements)
{
	struct rule_set *s = append(r->sets, r->n_sets);

	snprintf(s->name, sizeof(s->name), "%s", name);
	s->family = family;
	s->list = xcalloc(elements->n, sizeof(*s->list));
	for (size_t i = 0; i < elements->n; i++)
		if (elements->values[i].prefix.family == family)
			s->list[s->n++] = elements->values[i].prefix;
	return s;
}

bool rules_list_has(const size_t *list, size_t n, size_t rule)
{
	for (size_t i = 0; i < n; i++)
		if (list[i] == rule)
			return true;
	return false;
}

void rules_list_add(size_t **list, size_t *n, size_t rule)
{
	if (!rules_list_has(*list, *n, rule))
		*append(*list, *n) = rule;
}

void rules_free(struct rules *r)
{
	for (size_t i = 0; i < r->n; i++)
		rule_free(&r->list[i]);
	for (size_t i = 0; i < r->n_sets; i++)
		free(r->sets[i].list);
	free(r->sets);
	free(r->list);
	free(r->chains);
	*r = (struct rules){ 0 };
}

void rule_name(struct rules *r, size_t rule, const char *format, ...)
{
	struct rule *named = &r->list[rule];
	va_list args;

	if (named->fate != RULE_STAYS)
		return;
	free(named->why);
	va_start(args, format);
	named->why = xvasprintf(format, args);
	va_end(args);
	named->fate = RULE_NAMED;
}

/* ---- conditions ---- */

struct rule_match *rule_add_match(struct rule *rule, enum rule_field field, bool unlike)
{
	struct rule_match *m = append(rule->matches, rule->n);

	m->field = field;
	m->unlike = unlike;
	return m;
}

void rule_drop_match(struct rule *rule)
{
	free(rule->matches[--rule->n].values);
	rule->unknown = true;
}

bool rule_add_name(struct rule_match *m, const char *text)
{
	if (!is_interface_name(text))
		return false;
	strcpy(append(m->values, m->n)->name, text);
	return true;
}

/* Returns the prefix length that a mask such as 255.255.255.0 has, or -1. */
static int mask_length(const char *text, __u8 family)
{
	struct address mask;
	char *end;
	unsigned long n = strtoul(text, &end, 10);
	int len = 0, first = family == FAMILY_IPV4 ? 96 : 0;

	if (!*end && end > text && *text >= '0' && *text <= '9')
		return n <= 128 - first ? (int)n : -1;
	if (address_parse(text, &mask) || mask.family != family)
		return -1;
	while (first + len < 128 && mask.addr.b[(first + len) / 8] & 0x80 >> (first + len) % 8)
		len++;
	for (int i = first + len; i < 128; i++)
		if (mask.addr.b[i / 8] & 0x80 >> i % 8)
			return -1;
	return len;
}

static int add_prefix(void *data, const struct prefix *p)
{
	struct rule_match *m = data;

	append(m->values, m->n)->prefix = *p;
	return 0;
}

static bool add_range(struct rule_match *m, const struct address *first,
		      const struct address *last)
{
	if (first->family != last->family ||
	    memcmp(&first->addr, &last->addr, sizeof(first->addr)) > 0)
		return false;
	return !range_each(first, last, add_prefix, m);
}

bool rule_add_address(struct rule_match *m, const char *text)
{
	char copy[2 * ADDRESS_STRLEN], *end;
	struct address first, last;
	struct rule_value *v;
	int len;

	if ((size_t)snprintf(copy, sizeof(copy), "%s", text) >= sizeof(copy))
		return false;
	end = strpbrk(copy, "-/");
	if (end && *end == '-') {
		*end = '\0';
		return !address_parse(copy, &first) && !address_parse(end + 1, &last) &&
		       add_range(m, &first, &last);
	}
	if (end)
		*end++ = '\0';
	if (address_parse(copy, &first))
		return false;
	len = end ? mask_length(end, first.family) : first.family == FAMILY_IPV4 ? 32 : 128;
	if (len < 0)
		return false;
	v = append(m->values, m->n);
	v->prefix = (struct prefix){ first.addr, first.family, len };
	prefix_clear_host(&v->prefix);
	return true;
}

bool rule_parse_ports(const char *text, struct port_range *ret)
{
	char *end;
	unsigned long first = strtoul(text, &end, 10), last = first;

	if (*text < '0' || *text > '9')
		return false;
	if (*end == '-' || *end == ':') {
		const char *second = end + 1;

		last = strtoul(second, &end, 10);
		if (*second < '0' || *second > '9')
			return false;
	}
	if (*end || last > 65535 || first > last)
		return false;
	*ret = (struct port_range){ first, last };
	return true;
}

bool rule_add_ports(struct rule_match *m, const char *text)
{
	struct port_range ports;

	if (!rule_parse_ports(text, &ports))
		return false;
	append(m->values, m->n)->ports = ports;
	return true;
}

/* Adds the addresses of a range such as "192.0.2.1-192.0.2.4" as sources. */
static bool add_sources(struct rule *rule, const char *text)
{
	char copy[2 * ADDRESS_STRLEN], *last;
	struct address a, b;

	if ((size_t)snprintf(copy, sizeof(copy), "%s", text) >= sizeof(copy))
		return false;
	last = strchr(copy, '-');
	if (last)
		*last++ = '\0';
	if (address_parse(copy, &a) || address_parse(last ?: copy, &b))
		return false;
	rule->n_sources = 0;
	for (; rule->n_sources < RULE_SOURCES; a.addr.w[3] = htobe32(be32toh(a.addr.w[3]) + 1)) {
		rule->sources[rule->n_sources++] = a;
		if (address_equal(&a, &b))
			break;
	}
	rule->to = rule->sources[0];
	return address_equal(&a, &b);
}

bool rule_parse_target(struct rule *rule, const char *text)
{
	char copy[3 * ADDRESS_STRLEN], *port, *end;
	bool brackets = *text == '[';

	if ((size_t)snprintf(copy, sizeof(copy), "%s", text + brackets) >= sizeof(copy))
		return false;
	if (brackets) {
		/* [ADDRESS]:PORT, or [ADDRESS]-[ADDRESS]:PORT */
		end = strrchr(copy, ']');
		if (!end || (end[1] && end[1] != ':') || memchr(copy, '[', end - copy))
			return false;
		port = end[1] ? end + 2 : NULL;
		*end = '\0';
	} else {
		port = strchr(copy, ':');
		if (port && strchr(port + 1, ':'))
			port = NULL;	/* an IPv6 address */
		if (port)
			*port++ = '\0';
	}
	if (port && !rule_parse_ports(port, &rule->ports))
		return false;
	return !*copy || add_sources(rule, copy);
}
