/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Reads and writes backends, their keys, and the guard's limits for WireGuard messages.
 */
#include <arpa/inet.h>
#include <ctype.h>
#include <stdint.h>
#include <string.h>
#include "config/config_check.h"
#include "lib/grow.h"
#include "config/config_parts.h"

/* ---- flows ---- */

static void set_ports(struct yaml *y, const struct yaml_key *key, struct yaml_node *value,
		      void *object)
{
	const char *text = yaml_text(y, key, value);
	struct service_config *s = object;
	unsigned int first, last;

	if (text && ports_parse(text, &first, &last))
		yaml_error(y, value, "%s: '%s' %s", key->name, text, ports_wrong(text, key->like));
	else if (text)
		s->flows.ports = (struct port_range){ first, last };
}

void config_add_address(struct yaml *y, const struct yaml_key *key, struct yaml_node *value,
			void *object)
{
	const char *text = yaml_text(y, key, value);
	struct address *place = grow((char *)object + key->offset,
				     (size_t *)((char *)object + key->count), sizeof(*place));

	if (text && address_parse(text, place))
		yaml_error(y, value, "%s: '%s' %s", key->name, text,
			   address_wrong(text, 0, NO_NAMES));
}

#define AT(f) .offset = offsetof(struct service_config, flows.f)

const struct yaml_key config_flows_keys[] = {
	{ "max", yaml_set_number, "262144", AT(max), .least = 1, .most = FLOWS_MAX },
	{ "share", yaml_set_number, "4096", AT(share), .least = 1, .most = FLOWS_MAX },
	{ "timeout", yaml_set_number, "300s", AT(timeout), .least = 1, .most = FLOW_TIMEOUT_MAX,
	  .unit = "s" },
	{ "ports", set_ports, "20000-60999", IS_PORTS },
	{ "source", yaml_set_list, "192.168.1.1", AT(sources),
	  .count = offsetof(struct service_config, flows.n_sources), .item = config_add_address,
	  .pattern = PATTERN_ADDRESS },
	{},
};

void config_put_flows(FILE *out, const struct flows_config *f)
{
	const char *comma = "    flows: { ";
	char text[ADDRESS_STRLEN];

	if (f->max) {
		fprintf(out, "%smax: %u", comma, f->max);
		comma = ", ";
	}
	if (f->share) {
		fprintf(out, "%sshare: %u", comma, f->share);
		comma = ", ";
	}
	if (f->timeout) {
		fprintf(out, "%stimeout: %us", comma, f->timeout);
		comma = ", ";
	}
	if (f->ports.last) {
		fprintf(out, "%sports: ", comma);
		fprintf(out, f->ports.first == f->ports.last ? "%u" : "%u-%u", f->ports.first,
			f->ports.last);
		comma = ", ";
	}
	for (size_t i = 0; i < f->n_sources; i++)
		fprintf(out, "%s\"%s\"",
			i ? ", " : *comma == ',' ? ", source: [ " : "    flows: { source: [ ",
			address_format(&f->sources[i], text));
	if (f->n_sources)
		fputs(" ]", out);
	if (f->max || f->share || f->timeout || f->ports.last || f->n_sources)
		fputs(" }\n", out);
}

static const char *const profile_names[] = { "wireguard", "none", NULL };

const char *profile_name(enum profile p)
{
	return p == PROFILE_AMNEZIAWG ? "amneziawg" : profile_names[p];
}

/* ---- values ---- */

static void add_key(struct yaml *y, const struct yaml_key *key, struct yaml_node *value,
		    void *object)
{
	const char *text = yaml_text(y, key, value);
	struct wg_key *place = grow((char *)object + key->offset,
				    (size_t *)((char *)object + key->count), sizeof(*place));

	if (text && (wg_key_parse(text, place) || wg_key_is_none(place)))
		yaml_error(y, value, "%s: '%s' %s", key->name, text, config_key_wrong(text));
}

/* Appends a size of junk to an array of MESSAGES numbers. If there are more, it only counts them,
 * and config_check_guard() reports an error. */
static void add_junk(struct yaml *y, const struct yaml_key *key, struct yaml_node *value,
		     void *object)
{
	struct guard_config *g = &((struct service_config *)object)->guard;
	struct yaml_key one = *key;
	__u32 number = 0;

	one.offset = 0;
	yaml_set_number(y, &one, value, &number);
	if (g->n_junk < MESSAGES)
		g->junk[g->n_junk] = number;
	g->n_junk++;
}

/* Parses a range such as "3184-4442". Returns whether it is one; it may end before it begins. */
static bool parse_range(const char *text, __u32 *ret_first, __u32 *ret_last)
{
	unsigned long long first, last;
	char *end;

	first = strtoull(text, &end, 10);
	if (!isdigit((unsigned char)*text) || *end++ != '-' || !isdigit((unsigned char)*end))
		return false;
	last = strtoull(end, &end, 10);
	*ret_first = first;
	*ret_last = last;
	return !*end && first && last && first <= UINT32_MAX && last <= UINT32_MAX;
}

/* Appends a number or a range, in the same way as add_junk(). */
static void add_header(struct yaml *y, const struct yaml_key *key, struct yaml_node *value,
		       void *object)
{
	struct guard_config *g = &((struct service_config *)object)->guard;
	const char *text = yaml_text(y, key, value);
	struct yaml_key one = *key;
	__u32 first = 0, last = 0;

	one.offset = 0;
	if (text && !strchr(text, '-')) {
		yaml_set_number(y, &one, value, &first);
		last = first;
	} else if (text && !parse_range(text, &first, &last)) {
		yaml_error(y, value, "%s: '%s' is not a range of numbers from 1 to 4294967295: write one such as 3184-4442",
			   key->name, text);
		first = last = 0;
	} else if (first > last) {
		yaml_error(y, value, "%s: '%s' is a range that ends before it begins: write %u-%u",
			   key->name, text, last, first);
	}
	if (g->n_headers < MESSAGES) {
		g->headers[g->n_headers] = first;
		g->header_ends[g->n_headers] = last;
	}
	g->n_headers++;
}

static void set_amneziawg(struct yaml *y, const struct yaml_key *key, struct yaml_node *value,
			  void *object)
{
	((struct service_config *)object)->guard.profile = PROFILE_AMNEZIAWG;
	yaml_set_map(y, key, value, object);
}

static void set_profile(struct yaml *y, const struct yaml_key *key, struct yaml_node *value,
			void *object)
{
	struct yaml_key word = *key;

	word.choices = key->words;
	word.offset = offsetof(struct service_config, guard.profile);
	if (value && value->type == YAML_MAP)
		yaml_set_map(y, key, value, object);
	else
		yaml_set_choice(y, &word, value, object);
}

void config_set_wireguard(struct yaml *y, const struct yaml_key *key, struct yaml_node *value,
			  void *object)
{
	((struct service_config *)object)->guard.on = true;
	yaml_set_map(y, key, value, object);
}

/* ---- the grammar ---- */

#undef AT
#define AT(s, f) .offset = offsetof(struct s, f), .size = sizeof(((struct s *)NULL)->f)
#define LIST(s, f, n) .offset = offsetof(struct s, f), .count = offsetof(struct s, n)
#define IS_IPV4 .pattern = PATTERN_IPV4 "|" PATTERN_DOMAIN
#define IS_IPV6 .pattern = PATTERN_IPV6 "|" PATTERN_DOMAIN
#define IS_RATE .least = 1, .most = GUARD_RATE_MAX, .unit = "/s"

static const struct yaml_key standby_keys[] = {
	{ "ipv4", yaml_set_text, "10.0.0.8", AT(backend_config, standby.ipv4), IS_IPV4 },
	{ "ipv6", yaml_set_text, "2001:db8::8", AT(backend_config, standby.ipv6), IS_IPV6 },
	{ "port", config_set_port, "51820", AT(backend_config, standby.port), IS_PORT },
	{},
};

const struct yaml_key config_backend_keys[] = {
	{ "ipv4", yaml_set_text, "192.168.1.10", AT(backend_config, ipv4), IS_IPV4 },
	{ "ipv6", yaml_set_text, "2001:db8::10", AT(backend_config, ipv6), IS_IPV6 },
	{ "port", config_set_port, "51820", AT(backend_config, port), .required = true, IS_PORT },
	{ "standby", yaml_set_map, "{ ipv4: 10.0.0.8 }", .below = standby_keys },
	{},
};

const struct yaml_key config_backends_keys[] = {
	{ "name", yaml_set_text, "alpha", AT(backend_config, name), .required = true,
	  .pattern = PATTERN_SERVICE },
	{ "ipv4", yaml_set_text, "10.0.0.7", AT(backend_config, ipv4), IS_IPV4 },
	{ "ipv6", yaml_set_text, "2001:db8::7", AT(backend_config, ipv6), IS_IPV6 },
	{ "port", config_set_port, "51820", AT(backend_config, port), .required = true, IS_PORT },
	{ "public-key", add_key, "\"…=\"", LIST(backend_config, keys, n_keys), .required = true,
	  .unless = "public-keys", .pattern = PATTERN_KEY },
	{ "public-keys", yaml_set_list, "\"…=\"", LIST(backend_config, keys, n_keys),
	  .item = add_key, .pattern = PATTERN_KEY },
	{ "standby", yaml_set_map, "{ ipv4: 10.0.0.8 }", .below = standby_keys },
	{},
};

static const struct yaml_key amneziawg_keys[] = {
	{ "h", yaml_set_list, "3184-4442", .item = add_header, .least = 1, .most = UINT32_MAX,
	  .pattern = PATTERN_RANGE },
	{ "s", yaml_set_list, "15", .item = add_junk, .most = GUARD_JUNK_MAX },
	{},
};

static const struct yaml_key profile_keys[] = {
	{ "amneziawg", set_amneziawg, "{ h: [ … ], s: [ … ] }", .below = amneziawg_keys,
	  .required = true },
	{},
};

static const struct yaml_key handshakes_keys[] = {
	{ "per-source", yaml_set_number, "20/s", AT(service_config, guard.per_source), IS_RATE },
	{ "per-service", yaml_set_number, "2000/s", AT(service_config, guard.per_service),
	  IS_RATE },
	{},
};

static const struct yaml_key challenge_keys[] = {
	{ "above", yaml_set_number, "1000/s", AT(service_config, guard.challenge_above), IS_RATE,
	  .required = true },
	{},
};

static const struct yaml_key health_keys[] = {
	{ "initiations", yaml_set_number, "20", AT(service_config, guard.health_initiations),
	  .least = 1, .most = 1000000 },
	{ "sources", yaml_set_number, "3", AT(service_config, guard.health_sources),
	  .least = 1, .most = GUARD_HEALTH_SOURCES_MAX },
	{},
};

const struct yaml_key config_wireguard_keys[] = {
	{ "public-key", add_key, "\"…=\"", LIST(service_config, backend.keys, backend.n_keys),
	  .pattern = PATTERN_KEY },
	{ "public-keys", yaml_set_list, "\"…=\"",
	  LIST(service_config, backend.keys, backend.n_keys), .item = add_key,
	  .pattern = PATTERN_KEY },
	{ "profile", set_profile, "wireguard", .words = profile_names, .below = profile_keys },
	{ "handshakes", yaml_set_map, "{ per-source: 20/s, per-service: 2000/s }",
	  .below = handshakes_keys },
	{ "challenge", yaml_set_map, "{ above: 1000/s }", .below = challenge_keys },
	{ "strict", yaml_set_flag, "true", .offset = offsetof(struct service_config, guard.strict),
	  .choices = yaml_flag_names },
	{ "health", yaml_set_map, "{ initiations: 20, sources: 3 }", .below = health_keys },
	{},
};

/* ---- writing ---- */

static void put_keys(FILE *out, const char *comma, const struct backend_config *b)
{
	char text[WG_KEY_STRLEN];

	if (b->n_keys)
		fprintf(out, b->n_keys == 1 ? "%spublic-key: " : "%spublic-keys: [ ", comma);
	for (size_t i = 0; i < b->n_keys; i++)
		fprintf(out, "%s\"%s\"", i ? ", " : "", wg_key_format(&b->keys[i], text));
	if (b->n_keys > 1)
		fputs(" ]", out);
}

/* Writes a list of ranges. `last` may be `first`, for numbers. */
static void put_ranges(FILE *out, const char *key, const __u32 *first, const __u32 *last, size_t n)
{
	fprintf(out, "%s: [ ", key);
	for (size_t i = 0; i < n; i++)
		fprintf(out, first[i] == last[i] ? "%s%u" : "%s%u-%u", i ? ", " : "", first[i],
			last[i]);
	fputs(" ]", out);
}

static void put_amneziawg(FILE *out, const struct guard_config *g)
{
	fputs("profile: { amneziawg: { ", out);
	if (g->n_headers)
		put_ranges(out, "h", g->headers, g->header_ends, g->n_headers);
	if (g->n_headers && g->n_junk)
		fputs(", ", out);
	if (g->n_junk)
		put_ranges(out, "s", g->junk, g->junk, g->n_junk);
	fputs(" } }", out);
}

static void put_wireguard(FILE *out, const struct service_config *s)
{
	const struct guard_config *g = &s->guard;

	fputs("    wireguard: { ", out);
	if (g->profile == PROFILE_AMNEZIAWG)
		put_amneziawg(out, g);
	else
		fprintf(out, "profile: %s", profile_name(g->profile));
	if (g->per_source && g->per_service)
		fprintf(out, ", handshakes: { per-source: %u/s, per-service: %u/s }", g->per_source,
			g->per_service);
	else if (g->per_source || g->per_service)
		fprintf(out, ", handshakes: { %s: %u/s }", g->per_source ? "per-source" :
			"per-service", g->per_source ?: g->per_service);
	if (g->challenge_above)
		fprintf(out, ", challenge: { above: %u/s }", g->challenge_above);
	if (g->health_initiations && g->health_sources)
		fprintf(out, ", health: { initiations: %u, sources: %u }", g->health_initiations,
			g->health_sources);
	else if (g->health_initiations || g->health_sources)
		fprintf(out, ", health: { %s: %u }", g->health_initiations ? "initiations" :
			"sources", g->health_initiations ?: g->health_sources);
	if (g->strict)
		fputs(", strict: true", out);
	put_keys(out, ", ", &s->backend);
	fputs(" }\n", out);
}

void config_put_place(FILE *out, const char *before, const char *ipv4, const char *ipv6,
		      __be16 port)
{
	if (*ipv4) {
		fprintf(out, "%sipv4: ", before);
		config_put_text(out, ipv4);
		before = ", ";
	}
	if (*ipv6) {
		fprintf(out, "%sipv6: ", before);
		config_put_text(out, ipv6);
		before = ", ";
	}
	if (port)
		fprintf(out, "%sport: %u", before, ntohs(port));
}

void config_put_standby(FILE *out, const struct backend_config *b)
{
	if (!backend_has_standby(b))
		return;
	fputs(", standby: {", out);
	config_put_place(out, " ", b->standby.ipv4, b->standby.ipv6, b->standby.port);
	fputs(" }", out);
}

static void put_backend(FILE *out, const struct backend_config *b)
{
	fputs("      - { name: ", out);
	config_put_text(out, b->name);
	config_put_place(out, ", ", b->ipv4, b->ipv6, b->port);
	put_keys(out, ", ", b);
	config_put_standby(out, b);
	fputs(" }\n", out);
}

void config_put_guard(FILE *out, const struct service_config *s)
{
	if (s->n_backends)
		fputs("    backends:\n", out);
	for (size_t i = 0; i < s->n_backends; i++)
		put_backend(out, &s->backends[i]);
	if (s->guard.on)
		put_wireguard(out, s);
}
