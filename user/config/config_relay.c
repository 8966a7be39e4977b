/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Reads the sections peers, follow, announce and policy, and defines the words of policy.
 */
#include <ctype.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <string.h>
#include "lib/grow.h"
#include "config/config_flows.h"
#include "config/config_pattern.h"
#include "config/config_relay.h"

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
		yaml_error(y, value, "%s: '%s' is not a routing table: write main, or a number "
			   "from 1 to 4294967295", key->name, text);
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
		yaml_error(y, value, "%s: '%s' cannot be used here: write the number of an unused "
				     "table, 1 to 252 or 256 to 4294967295", key->name, text);
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
			yaml_error(y, value, "%s: '%s' and %u-%u have some ports in common: "
				   "correct one of the two ranges", key->name, text,
				   (*list)[i].first, (*list)[i].last);
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
