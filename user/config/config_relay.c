/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Reads the sections peers, follow, announce and policy, and defines the words of policy.
 */
#include <ctype.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <string.h>
#include "config/config_check.h"
#include "lib/grow.h"
#include "config/config_parts.h"
#include "lib/memory.h"

static const char *const reject_names[] = {
	"admin-prohibited", "address-unreachable", "drop", NULL
};

static const char *const icmpv6_words[] = {
	"echo-request", "echo-reply", "destination-unreachable", "packet-too-big", "time-exceeded",
	"parameter-problem", "nd-router-advert", "nd-neighbor-solicit", "nd-neighbor-advert", NULL
};
static const __u8 icmpv6_types[] = { 128, 129, 1, 2, 3, 4, 134, 135, 136 };
#define N_ICMPV6 (sizeof(icmpv6_types) / sizeof(*icmpv6_types))

const struct port_range config_mesh_ports = { 58000, 60000 };

const char *reject_name(enum policy_reject r)
{
	return reject_names[r];
}

const char *icmpv6_name(unsigned int i, __u8 *ret_type)
{
	if (i >= N_ICMPV6)
		return NULL;
	*ret_type = icmpv6_types[i];
	return icmpv6_words[i];
}

/* Parses "main" or a number. Returns 0 for other texts. */
static __u32 table_parse(const char *text)
{
	char *end;
	unsigned long long n = strtoull(text, &end, 10);

	if (!strcmp(text, "main"))
		return RT_TABLE_MAIN;
	return isdigit((unsigned char)*text) && !*end && n <= ~0U ? n : 0;
}

const char *table_format(__u32 table, char buf[TABLE_STRLEN])
{
	snprintf(buf, TABLE_STRLEN, table == RT_TABLE_MAIN ? "main" : "%u", table);
	return buf;
}

/* ---- values ---- */

void config_set_key(struct yaml *y, const struct yaml_key *key, struct yaml_node *value,
		    void *object)
{
	const char *text = yaml_text(y, key, value);
	struct wg_key *place = (struct wg_key *)((char *)object + key->offset);

	if (text && (wg_key_parse(text, place) || wg_key_is_none(place)))
		yaml_error(y, value, "%s: '%s' %s", key->name, text, config_key_wrong(text));
}

void config_add_prefix(struct yaml *y, const struct yaml_key *key, struct yaml_node *value,
		       void *object)
{
	const char *text = yaml_text(y, key, value);
	struct prefix *place = grow((char *)object + key->offset,
				    (size_t *)((char *)object + key->count), sizeof(*place));

	if (text && prefix_parse(text, place))
		yaml_error(y, value, "%s: '%s' %s", key->name, text, prefix_wrong(text));
}

static void add_device(struct yaml *y, const struct yaml_key *key, struct yaml_node *value,
		       void *object)
{
	struct follow_config *f = object;
	struct device_name *place = append(f->wireguard, f->n_wireguard);
	struct yaml_key one = *key;

	one.offset = 0;
	one.size = sizeof(place->name);
	yaml_set_text(y, &one, value, place->name);
}

static void add_table(struct yaml *y, const struct yaml_key *key, struct yaml_node *value,
		      void *object)
{
	const char *text = yaml_text(y, key, value);
	struct follow_config *f = object;
	__u32 table = text ? table_parse(text) : 0;

	if (text && !table)
		yaml_error(y, value, "%s: '%s' is not a routing table: write main, or a number from 1 to 4294967295",
			   key->name, text);
	else if (text)
		*append(f->tables, f->n_tables) = table;
}

static void set_table(struct yaml *y, const struct yaml_key *key, struct yaml_node *value,
		      void *object)
{
	const char *text = yaml_text(y, key, value);
	struct announce_config *a = object;

	a->table = text && strcmp(text, "main") ? table_parse(text) : 0;
	if (text && (!a->table || (a->table >= RT_TABLE_DEFAULT && a->table <= RT_TABLE_LOCAL)))
		yaml_error(y, value, "%s: '%s' cannot be used here: write the number of an unused table, 1 to 252 or 256 to 4294967295",
			   key->name, text);
}

static void set_overlay(struct yaml *y, const struct yaml_key *key, struct yaml_node *value,
			void *object)
{
	const char *text = yaml_text(y, key, value), *why = text ? prefix_wrong(text) : NULL;
	struct policy_config *p = object;

	if (why)
		yaml_error(y, value, "%s: '%s' %s", key->name, text, why);
	else if (text)
		prefix_parse(text, &p->overlay);
}

void config_add_ports(struct yaml *y, const struct yaml_key *key, struct yaml_node *value,
		      void *object)
{
	struct port_range **list = (struct port_range **)((char *)object + key->offset);
	size_t *n = (size_t *)((char *)object + key->count);
	const char *text = yaml_text(y, key, value);
	unsigned int first, last;

	if (!text)
		return;
	if (ports_parse(text, &first, &last)) {
		yaml_error(y, value, "%s: '%s' %s", key->name, text, ports_wrong(text, key->like));
		return;
	}
	for (size_t i = 0; i < *n; i++)
		if (first <= (*list)[i].last && last >= (*list)[i].first) {
			yaml_error(y, value, "%s: '%s' and %u-%u have some ports in common: correct one of the two ranges",
				   key->name, text, (*list)[i].first, (*list)[i].last);
			return;
		}
	*append(*list, *n) = (struct port_range){ first, last };
}

static void set_ports(struct yaml *y, const struct yaml_key *key, struct yaml_node *value,
		      void *object)
{
	*(size_t *)((char *)object + key->count) = 0;
	yaml_set_list(y, key, value, object);
}

static void add_icmpv6(struct yaml *y, const struct yaml_key *key, struct yaml_node *value,
		       void *object)
{
	struct policy_config *p = object;
	struct yaml_key one = *key;
	int type = -1;

	one.offset = 0;
	yaml_set_choice(y, &one, value, &type);
	if (type >= 0 && p->icmpv6 & 1U << type)
		yaml_error(y, value, "%s: '%s' is listed twice: remove one of the two", key->name,
			   icmpv6_words[type]);
	else if (type >= 0)
		p->icmpv6 |= 1U << type;
}

static void set_icmpv6(struct yaml *y, const struct yaml_key *key, struct yaml_node *value,
		       void *object)
{
	((struct policy_config *)object)->icmpv6 = 0;
	yaml_set_list(y, key, value, object);
}

void config_set_policy(struct yaml *y, const struct yaml_key *key, struct yaml_node *value,
		       void *object)
{
	struct policy_config *p = (struct policy_config *)((char *)object + key->offset);

	*append(p->udp_ports, p->n_udp_ports) = config_mesh_ports;
	p->icmpv6 = (1U << N_ICMPV6) - 1;
	yaml_set_map(y, key, value, object);
}

/* ---- the grammar ---- */

#define IS_SECONDS .least = 1, .most = SECONDS_MAX, .unit = "s"
#define AT(s, f) .offset = offsetof(struct s, f), .size = sizeof(((struct s *)NULL)->f)

const struct yaml_key config_peer_keys[] = {
	{ "name", yaml_set_text, "site-a", AT(peer_config, name), .required = true,
	  .pattern = PATTERN_PEER },
	{ "public-key", config_set_key, "\"…=\"", AT(peer_config, key), .pattern = PATTERN_KEY },
	{ "device", yaml_set_text, "wgvpnr01", AT(peer_config, device), .required = true,
	  .pattern = PATTERN_INTERFACE },
	{ "prefixes", yaml_set_list, "\"fd12:3456:789a:a::/64\"",
	  .offset = offsetof(struct peer_config, prefixes),
	  .count = offsetof(struct peer_config, n_prefixes), .item = config_add_prefix,
	  .pattern = PATTERN_PREFIX6 },
	{},
};

const struct yaml_key config_follow_keys[] = {
	{ "wireguard", yaml_set_list, "wgvpnr01", .item = add_device,
	  .pattern = PATTERN_INTERFACE },
	{ "routes", yaml_set_list, "main", .item = add_table, .least = 1, .most = ~0U,
	  .pattern = "main|[0-9]+" },
	{},
};

const struct yaml_key config_announce_keys[] = {
	{ "table", set_table, "700", .required = true, .least = 1, .most = ~0U },
	{ "after", yaml_set_number, "180s", AT(announce_config, after), IS_SECONDS },
	{ "silent", yaml_set_number, "60s", AT(announce_config, silent), IS_SECONDS },
	{},
};

const struct yaml_key config_policy_keys[] = {
	{ "overlay", set_overlay, "\"fd12:3456:789a::/48\"", .required = true,
	  .pattern = PATTERN_PREFIX6 },
	{ "udp-ports", set_ports, "58000-60000", .item = config_add_ports, IS_PORTS,
	  .offset = offsetof(struct policy_config, udp_ports),
	  .count = offsetof(struct policy_config, n_udp_ports) },
	{ "tcp-ports", set_ports, "22", .item = config_add_ports, IS_PORTS,
	  .offset = offsetof(struct policy_config, tcp_ports),
	  .count = offsetof(struct policy_config, n_tcp_ports) },
	{ "icmpv6", set_icmpv6, "echo-request", .item = add_icmpv6, .choices = icmpv6_words },
	{ "reject", yaml_set_choice, "admin-prohibited", AT(policy_config, reject),
	  .choices = reject_names },
	{},
};

/* ---- checks ----
 * Duplicates are found by sorting, because there may be tens of thousands of peers. */

/* ---- values ---- */

bool config_check_peer_name(struct check *k, const char *key, const char *name)
{
	if (!*name || is_peer_name(name))
		return true;
	tell(k, "%s: '%s' cannot be the name of a peer: write letters, digits, '-', '_', '.', '+' and '/', such as site-a",
	     key, name);
	return false;
}

static void check_peer_values(struct check *k, size_t i)
{
	const struct peer_config *p = &k->c->peers[i];

	at(k, 0, "/peers/%zu/name", i);
	config_check_peer_name(k, "name", p->name);
	at(k, 0, "/peers/%zu/device", i);
	config_check_device(k, "device", p->device, "wgvpnr01");
}

static void check_overlay(struct check *k)
{
	const struct prefix *o = &k->c->policy.overlay;
	const char *why = o->family ? relay_overlay_wrong(o) : NULL;
	char text[ADDRESS_STRLEN];

	at(k, 0, "/policy/overlay");
	if (why)
		tell(k, "overlay: '%s' %s, such as \"fd12:3456:789a::/48\"", prefix_format(o, text), why);
}

void config_check_relay_values(struct check *k)
{
	const struct config *c = k->c;

	for (size_t i = 0; i < c->n_peers; i++)
		check_peer_values(k, i);
	for (size_t i = 0; i < c->follow.n_wireguard; i++) {
		at(k, 0, "/follow/wireguard/%zu", i);
		config_check_device(k, "wireguard", c->follow.wireguard[i].name, "wgvpnr01");
	}
	check_overlay(k);
}

/* ---- what contradicts ---- */

static int compare_names(const void *a, const void *b)
{
	const struct peer_config *x = *(const struct peer_config *const *)a,
				 *y = *(const struct peer_config *const *)b;

	return strcmp(x->name, y->name) ?: (x > y) - (x < y);
}

static int compare_keys(const void *a, const void *b)
{
	const struct peer_config *x = *(const struct peer_config *const *)a,
				 *y = *(const struct peer_config *const *)b;

	return wg_key_compare(&x->key, &y->key) ?: (x > y) - (x < y);
}

/* Reports names and keys that two peers have, at the second of them. */
static void check_names_and_keys(struct check *k)
{
	const struct config *c = k->c;
	const struct peer_config **sorted = xcalloc(c->n_peers + 1, sizeof(*sorted));

	for (size_t i = 0; i < c->n_peers; i++)
		sorted[i] = &c->peers[i];
	qsort(sorted, c->n_peers, sizeof(*sorted), compare_names);
	for (size_t i = 1; i < c->n_peers; i++) {
		if (strcmp(sorted[i]->name, sorted[i - 1]->name))
			continue;
		at(k, 0, "/peers/%zu/name", (size_t)(sorted[i] - c->peers));
		tell(k, "name: two peers are called '%s': rename one of them", sorted[i]->name);
	}
	qsort(sorted, c->n_peers, sizeof(*sorted), compare_keys);
	for (size_t i = 1; i < c->n_peers; i++) {
		if (wg_key_is_none(&sorted[i]->key) ||
		    wg_key_compare(&sorted[i]->key, &sorted[i - 1]->key))
			continue;
		at(k, 0, "/peers/%zu/public-key", (size_t)(sorted[i] - c->peers));
		tell(k, "public-key: peer '%s' has the same key: correct one of the two", sorted[i - 1]->name);
	}
	free(sorted);
}

struct owned {				/* prefix, and the index of the peer that has it */
	const struct prefix *prefix;
	size_t peer;
};

static int compare_owned(const void *a, const void *b)
{
	const struct owned *x = a, *y = b;

	return prefix_compare(x->prefix, y->prefix) ?:
	       (x->peer > y->peer) - (x->peer < y->peer) ?:
	       (x->prefix > y->prefix) - (x->prefix < y->prefix);
}

static void at_prefix(struct check *k, const struct owned *o)
{
	at(k, 0, "/peers/%zu/prefixes/%zu", o->peer,
	   (size_t)(o->prefix - k->c->peers[o->peer].prefixes));
}

static void check_twice(struct check *k, const struct owned *sorted, size_t n)
{
	char text[ADDRESS_STRLEN];

	for (size_t i = 1; i < n; i++) {
		const struct owned *o = &sorted[i], *before = &sorted[i - 1];

		if (prefix_compare(o->prefix, before->prefix))
			continue;
		at_prefix(k, o);
		if (o->peer == before->peer)
			tell(k, "prefixes: %s is listed twice: remove one of the two",
			     prefix_format(o->prefix, text));
		else
			tell(k, "prefixes: %s is also listed at peer '%s': remove it from one of the two peers",
			     prefix_format(o->prefix, text), k->c->peers[before->peer].name);
	}
}

static void check_prefixes(struct check *k)
{
	const struct config *c = k->c;
	char text[ADDRESS_STRLEN], overlay[ADDRESS_STRLEN];
	struct owned *list, *o;
	size_t n = 0;

	for (size_t i = 0; i < c->n_peers; i++)
		n += c->peers[i].n_prefixes;
	o = list = xcalloc(n + 1, sizeof(*list));
	prefix_format(&c->policy.overlay, overlay);
	for (size_t i = 0; i < c->n_peers; i++)
		for (size_t j = 0; j < c->peers[i].n_prefixes; j++, o++) {
			const char *why =
				relay_prefix_wrong(&c->peers[i].prefixes[j], &c->policy.overlay);

			*o = (struct owned){ &c->peers[i].prefixes[j], i };
			if (!why)
				continue;
			at_prefix(k, o);
			tell(k, "prefixes: %s %s %s", prefix_format(o->prefix, text), why, overlay);
		}
	qsort(list, n, sizeof(*list), compare_owned);
	check_twice(k, list, n);
	free(list);
}

static void check_followed(struct check *k)
{
	const struct follow_config *f = &k->c->follow;
	char text[TABLE_STRLEN];

	for (size_t i = 0; i < f->n_wireguard; i++)
		for (size_t j = 0; j < i; j++) {
			at(k, 0, "/follow/wireguard/%zu", i);
			if (!strcmp(f->wireguard[i].name, f->wireguard[j].name))
				tell(k, "wireguard: '%s' is listed twice: remove one of the two",
				     f->wireguard[i].name);
		}
	for (size_t i = 0; i < f->n_tables; i++)
		for (size_t j = 0; j < i; j++) {
			at(k, 0, "/follow/routes/%zu", i);
			if (f->tables[i] == f->tables[j])
				tell(k, "routes: table %s is listed twice: remove one of the two",
				     table_format(f->tables[i], text));
		}
	at(k, 0, "/follow/routes");
	if (f->n_tables && !config_relays(k->c))
		tell(k, "routes: routes need peers, and the configuration has none: add peers, or follow: { wireguard: [ wgvpnr01 ] }");
}

static void check_announced(struct check *k)
{
	const struct config *c = k->c;

	at(k, 0, "/announce/table");
	for (size_t i = 0; i < c->follow.n_tables && c->announce.table; i++)
		if (c->follow.tables[i] == c->announce.table)
			tell(k, "table: wgxdp also reads routes from table %u: choose a table that nothing else uses",
			     c->announce.table);
	at(k, 0, "/announce");
	if (c->announce.table && !config_relays(c) && !*c->blind.device)
		tell(k, "announce: the configuration has no sites to announce: add peers, or follow: { wireguard: [ wgvpnr01 ] }");
	else if (c->announce.table && !c->policy.overlay.family && !config_relays(c))
		tell(k, "announce: the prefix of all sites (the overlay) is missing: add policy: { overlay: \"fd12:3456:789a::/48\" }");
}

void config_check_relay(struct check *k)
{
	const struct config *c = k->c;

	for (size_t i = 0; i < c->n_peers; i++) {
		if (*c->peers[i].name && *c->peers[i].device)
			continue;
		at(k, 0, "/peers/%zu", i);
		tell(k, "a peer has no name or no device: add both, { name: site-a, device: wg0 }");
	}
	check_names_and_keys(k);
	check_followed(k);
	check_announced(k);
	if (c->policy.overlay.family) {
		check_prefixes(k);
	} else if (config_relays(c)) {
		at(k, 0, c->n_peers ? "/peers" : "/follow");
		tell(k, "%s: the prefix of all sites (the overlay) is missing: add policy: { overlay: \"fd12:3456:789a::/48\" }",
		     c->n_peers ? "peers" : "follow");
	}
}
