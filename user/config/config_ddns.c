/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Reads, checks and writes the section ddns of the configuration.
 */
#include <arpa/inet.h>
#include <ctype.h>
#include <string.h>
#include "lib/grow.h"
#include "config/config_check.h"
#include "config/config_parts.h"

static const char *const ovh_endpoints[] = {
	[OVH_EU] = "ovh-eu", [OVH_CA] = "ovh-ca", [OVH_US] = "ovh-us", NULL
};

bool ddns_in_zone(const char *name, const char *zone)
{
	size_t n = strlen(name), n_zone = strlen(zone);

	return n >= n_zone && !strcasecmp(name + n - n_zone, zone) &&
	       (n == n_zone || name[n - n_zone - 1] == '.');
}

/* ---- values ---- */

/* Reads a DNS name, without a dot at its end. Returns false after printing an error. */
static bool read_host_name(struct yaml *y, const struct yaml_key *key, struct yaml_node *value,
			   char ret[256])
{
	const char *text = yaml_text(y, key, value),
		   *why = text ? address_wrong(text, 0, HOST_NAMES) : NULL;
	struct address ignored;

	if (!text)
		return false;
	if (!why && !address_parse(text, &ignored))
		why = "is an address: write the name of a host, such as wg-end.example.net";
	if (why) {
		yaml_error(y, value, "%s: '%s' %s", key->name, text, why);
		return false;
	}
	strcpy(ret, text);
	if (ret[strlen(ret) - 1] == '.')
		ret[strlen(ret) - 1] = '\0';
	return true;
}

void config_set_domain(struct yaml *y, const struct yaml_key *key, struct yaml_node *value,
		       void *object)
{
	read_host_name(y, key, value, (char *)object + key->offset);
}

static void set_interface(struct yaml *y, const struct yaml_key *key, struct yaml_node *value,
			  void *object)
{
	const char *text = yaml_text(y, key, value);

	if (text && !is_interface_name(text))
		yaml_error(y, value, "%s: '%s' cannot be the name of an interface: write one such as %s",
			   key->name, text, key->like);
	else if (text)
		strcpy(((struct ddns_config *)object)->interface, text);
}

void config_add_host_name(struct yaml *y, const struct yaml_key *key, struct yaml_node *value,
			  void *object)
{
	struct ddns_text **names = (struct ddns_text **)((char *)object + key->offset);
	size_t *n = (size_t *)((char *)object + key->count);
	struct ddns_text *place = append(*names, *n);

	if (!read_host_name(y, key, value, place->text))
		return;
	for (size_t i = 0; i + 1 < *n; i++)
		if (!strcasecmp((*names)[i].text, place->text))
			yaml_error(y, value, "%s: '%s' is listed twice: remove one of the two",
				   key->name, place->text);
}

static const char *const record_names[] = { "A", "AAAA", NULL };

static void add_record(struct yaml *y, const struct yaml_key *key, struct yaml_node *value,
		       void *object)
{
	struct ddns_config *d = object;
	bool *const places[] = { &d->ipv4, &d->ipv6 };
	struct yaml_key one = *key;
	int i = -1;

	one.offset = 0;
	yaml_set_choice(y, &one, value, &i);
	if (i >= 0 && *places[i])
		yaml_error(y, value, "%s: '%s' is listed twice: remove one of the two", key->name,
			   record_names[i]);
	else if (i >= 0)
		*places[i] = true;
}

static void set_host(struct yaml *y, const struct yaml_key *key, struct yaml_node *value,
		     void *object)
{
	const char *text = yaml_text(y, key, value);
	struct address a;

	if (!text)
		return;
	if (address_parse(text, &a) || a.family != FAMILY_IPV6 || a.addr.q[0] || !a.addr.q[1])
		yaml_error(y, value, "%s: '%s' is not the last half of an IPv6 address: write one such as %s",
			   key->name, text, key->like);
	else
		((struct ddns_config *)object)->host = a;
}

static void set_server(struct yaml *y, const struct yaml_key *key, struct yaml_node *value,
		       void *object)
{
	const char *text = yaml_text(y, key, value),
		   *why = text ? address_wrong(text, 0, DNS_NAMES) : NULL;
	struct ddns_config *d = object;
	struct address a;

	/* a name server on this host is allowed, so "is a loopback …" is no error */
	if (why && !address_parse(text, &a) && !strncmp(why, "is a loopback", 13))
		why = NULL;
	if (why)
		yaml_error(y, value, "%s: '%s' %s", key->name, text, why);
	else if (text)
		strcpy(d->server, text);
}

/* Reads a path, a URL or a word of a command, which may have no control characters. */
static void read_text(struct yaml *y, const struct yaml_key *key, struct yaml_node *value,
		      char ret[256])
{
	const char *text = yaml_text(y, key, value), *c = text ?: "";

	while (*c && !iscntrl((unsigned char)*c))
		c++;
	if (*c)
		yaml_error(y, value, "%s: the value has a control character, such as a line break: write one line, such as %s",
			   key->name, key->like);
	else if (text && strlen(text) >= 256)
		yaml_error(y, value, "%s: '%s' is longer than 255 bytes, the limit: shorten it", key->name, text);
	else if (text)
		strcpy(ret, text);
}

static void set_text(struct yaml *y, const struct yaml_key *key, struct yaml_node *value,
		     void *object)
{
	read_text(y, key, value, (char *)object + key->offset);
}

static void set_url(struct yaml *y, const struct yaml_key *key, struct yaml_node *value,
		    void *object)
{
	char *url = ((struct ddns_config *)object)->url;

	read_text(y, key, value, url);
	if (*url && strncmp(url, "https://", 8))
		yaml_error(y, value, "%s: '%s' does not begin with https://: write the whole URL",
			   key->name, url);
	while (*url && url[strlen(url) - 1] == '/')
		url[strlen(url) - 1] = '\0';
}

static void add_word(struct yaml *y, const struct yaml_key *key, struct yaml_node *value,
		     void *object)
{
	struct ddns_config *d = object;
	struct ddns_text *place = append(d->command, d->n_command);

	read_text(y, key, value, place->text);
	if (d->n_command == 1 && *place->text && *place->text != '/')
		yaml_error(y, value, "%s: '%s' does not begin with '/': write the whole path, such as %s",
			   key->name, place->text, key->like);
}

/* ---- the grammar ---- */

#define AT(f) .offset = offsetof(struct ddns_config, f), \
	.size = sizeof(((struct ddns_config *)NULL)->f)

static void set_provider(struct yaml *y, const struct yaml_key *key, struct yaml_node *value,
			 void *object)
{
	struct ddns_config *d = object;

	d->by = !strcmp(key->name, "ovh") ? DDNS_OVH :
		!strcmp(key->name, "exec") ? DDNS_EXEC : DDNS_RFC2136;
	if (d->by == DDNS_EXEC)
		yaml_set_list(y, key, value, d);
	else
		yaml_set_map(y, key, value, d);
	if (d->by == DDNS_EXEC && value && value->type == YAML_LIST && !d->n_command)
		yaml_error(y, value, "exec: the program to run is missing: add [ %s ]", key->like);
}

static const struct yaml_key rfc2136_keys[] = {
	{ "server", set_server, "\"2001:db8::53\"", .required = true, .pattern = PATTERN_HOST },
	{ "port", config_set_port, "53", AT(port), IS_PORT },
	{ "zone", config_set_domain, "example.net", AT(zone), .required = true,
	  .pattern = PATTERN_DOMAIN },
	{ "key-file", set_text, "/etc/wgxdp/tsig.key", AT(secret), .required = true },
	{},
};

static const struct yaml_key ovh_keys[] = {
	{ "endpoint", yaml_set_choice, "ovh-eu", AT(endpoint), .choices = ovh_endpoints },
	{ "url", .set = set_url, .like = "https://eu.api.ovh.com/1.0", .pattern = "https://.*" },
	{ "zone", config_set_domain, "example.net", AT(zone), .required = true,
	  .pattern = PATTERN_DOMAIN },
	{ "credentials", set_text, "/etc/wgxdp/ovh.conf", AT(secret), .required = true },
	{},
};

const struct yaml_key config_provider_keys[] = {
	{ "rfc2136", set_provider,
	  "{ server: \"2001:db8::53\", zone: example.net, key-file: /etc/wgxdp/tsig.key }",
	  .below = rfc2136_keys },
	{ "ovh", set_provider, "{ zone: example.net, credentials: /etc/wgxdp/ovh.conf }",
	  .below = ovh_keys },
	{ "exec", set_provider, "/usr/local/bin/update", .item = add_word },
	{},
};

void config_set_provider(struct yaml *y, const struct yaml_key *key, struct yaml_node *value,
			 void *object)
{
	unsigned int errors = y->errors;

	yaml_set_map(y, key, value, object);
	if (value && value->type == YAML_MAP && value->n != key->most && y->errors == errors)
		yaml_error(y, value, "provider: exactly one provider is needed: write rfc2136, ovh or exec");
}

const struct yaml_key config_ddns_keys[] = {
	{ "interface", set_interface, "ens18", .required = true, .pattern = PATTERN_INTERFACE },
	{ "names", yaml_set_list, "wg-end.example.net", .item = config_add_host_name,
	  .offset = offsetof(struct ddns_config, names),
	  .count = offsetof(struct ddns_config, n_names), .required = true,
	  .pattern = PATTERN_DOMAIN },
	{ "records", yaml_set_list, "AAAA", .item = add_record, .choices = record_names },
	{ "host", .set = set_host, .like = "\"::10\"", .pattern = PATTERN_IPV6 },
	{ "ttl", yaml_set_number, "300", AT(ttl), .least = 1, .most = DDNS_TTL_MAX },
	{ "provider", config_set_provider, "{ rfc2136: { server: ns.example.net, zone: example.net, key-file: /etc/wgxdp/tsig.key } }; wgxdp.yaml(5) has other providers",
	  .below = config_provider_keys, .required = true, .least = 1, .most = 1 },
	{},
};

/* ---- what contradicts ---- */

static struct yaml_node *node_of(struct yaml_node *section, const char *key, size_t i)
{
	char path[64];

	snprintf(path, sizeof(path), "/%s/%zu", key, i);
	return yaml_by_path(section, path) ?: section;
}

/* Returns whether an earlier entry of ddns already writes records of this name and type. */
static bool is_written(const struct config *c, const struct ddns_config *d, const char *name)
{
	for (const struct ddns_config *other = c->ddns; other != d; other++)
		for (size_t i = 0; i < other->n_names; i++)
			if (!strcasecmp(other->names[i].text, name) &&
			    ((other->ipv4 && d->ipv4) || (other->ipv6 && d->ipv6)))
				return true;
	return false;
}

static void check_section(struct yaml *y, struct yaml_node *section, const struct config *c,
			  struct ddns_config *d)
{
	struct yaml_node *names = yaml_by_path(section, "/names"),
			 *records = yaml_by_path(section, "/records");

	d->ipv6 |= !records;
	if (names && names->type == YAML_LIST && !names->n)
		yaml_error(y, names, "names: the list is empty: write [ wg-end.example.net ]");
	if (!d->ipv6 && !d->ipv4 && records->type == YAML_LIST && !records->n)
		yaml_error(y, records, "records: the list is empty: write [ AAAA ]");
	if (d->host.family && !d->ipv6)
		yaml_error(y, yaml_by_path(section, "/host"), "host: this key is only for AAAA records: add AAAA to records, or remove host");
	for (size_t i = 0; i < d->n_names; i++) {
		if (*d->zone && *d->names[i].text && !ddns_in_zone(d->names[i].text, d->zone))
			yaml_error(y, node_of(section, "names", i),
				"names: '%s' is not in the zone %s: correct the name or the zone",
				   d->names[i].text, d->zone);
		if (*d->names[i].text && is_written(c, d, d->names[i].text))
			yaml_error(y, node_of(section, "names", i),
				"names: another section of ddns writes the same records of '%s': remove the name from one of them",
				d->names[i].text);
	}
}

void config_add_ddns(struct yaml *y, const struct yaml_key *key, struct yaml_node *value,
		     void *object)
{
	struct config *c = object;
	struct ddns_config *d = append(c->ddns, c->n_ddns);

	d->ttl = DDNS_TTL;
	yaml_set_map(y, key, value, d);
	if (value && value->type == YAML_ALIAS)
		value = value->to;
	if (value && value->type == YAML_MAP)
		check_section(y, value, c, d);
}

/* ---- writing ---- */

static void put_key(FILE *out, const char *key, const char *text)
{
	fprintf(out, ", %s: ", key);
	config_put_text(out, text);
}

void config_put_texts(FILE *out, const struct ddns_text *list, size_t n)
{
	putc('[', out);
	for (size_t i = 0; i < n; i++) {
		fputs(i ? ", " : " ", out);
		config_put_text(out, list[i].text);
	}
	fputs(" ]", out);
}

static void put_provider(FILE *out, const struct ddns_config *d)
{
	if (d->by == DDNS_EXEC) {
		fputs("    provider: { exec: ", out);
		config_put_texts(out, d->command, d->n_command);
		fputs(" }\n", out);
		return;
	}
	fprintf(out, "    provider: { %s: { zone: ", d->by == DDNS_OVH ? "ovh" : "rfc2136");
	config_put_text(out, d->zone);
	if (d->by == DDNS_RFC2136)
		put_key(out, "server", d->server);
	if (d->port)
		fprintf(out, ", port: %u", ntohs(d->port));
	if (*d->url)
		put_key(out, "url", d->url);
	else if (d->by == DDNS_OVH)
		put_key(out, "endpoint", ovh_endpoints[d->endpoint]);
	put_key(out, d->by == DDNS_OVH ? "credentials" : "key-file", d->secret);
	fputs(" } }\n", out);
}

void config_put_ddns_one(FILE *out, const struct ddns_config *d)
{
	char text[ADDRESS_STRLEN];

	fputs("  - interface: ", out);
	config_put_text(out, d->interface);
	fputs("\n    names: ", out);
	config_put_texts(out, d->names, d->n_names);
	fprintf(out, "\n    records: [ %s%s%s ]\n", d->ipv6 ? "AAAA" : "",
		d->ipv6 && d->ipv4 ? ", " : "", d->ipv4 ? "A" : "");
	if (d->host.family)
		fprintf(out, "    host: \"%s\"\n", address_format(&d->host, text));
	fprintf(out, "    ttl: %u\n", d->ttl);
	put_provider(out, d);
}

void config_put_ddns(FILE *out, const struct config *c)
{
	if (c->n_ddns)
		fputs("ddns:\n", out);
	for (size_t i = 0; i < c->n_ddns; i++)
		config_put_ddns_one(out, &c->ddns[i]);
}

void config_free_ddns(struct ddns_config *d)
{
	free(d->names);
	free(d->command);
}
