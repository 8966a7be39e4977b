/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Reads and writes the key flows of services with nat: masquerade or hairpin: true.
 */
#include <arpa/inet.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include "config/config_check.h"
#include "config/config_flows.h"

__u32 config_number(const char *text, const char *suffix, __u32 max)
{
	char *end;
	unsigned long long n = strtoull(text, &end, 10);

	return isdigit((unsigned char)*text) && !strcmp(end, suffix) && n <= max ? n : 0;
}

__u32 config_seconds(struct yaml *y, const struct yaml_key *key, struct yaml_node *value, __u32 max)
{
	const char *text = yaml_text(y, key, value);
	__u32 seconds = text ? config_number(text, "s", max) : 0;

	if (text && !seconds)
		yaml_error(y, value, "%s: '%s' is not a number of seconds from 1s to %us: write "
				     "one such as %s",
			   key->name, text, max, key->like);
	return seconds;
}

static void set_number(struct yaml *y, const struct yaml_key *key, struct yaml_node *value,
		       void *object)
{
	__u32 *number = (__u32 *)((char *)object + key->offset);
	const char *text = yaml_text(y, key, value);

	*number = text ? config_number(text, "", FLOWS_MAX) : 0;
	if (text && !*number)
		yaml_error_number(y, value, key, text, 1, FLOWS_MAX);
}

static void set_timeout(struct yaml *y, const struct yaml_key *key, struct yaml_node *value,
			void *object)
{
	struct service_config *s = object;

	s->flows.timeout = config_seconds(y, key, value, FLOW_TIMEOUT_MAX);
}

static void set_ports(struct yaml *y, const struct yaml_key *key, struct yaml_node *value,
		      void *object)
{
	const char *text = yaml_text(y, key, value);
	struct service_config *s = object;
	unsigned int first, last;

	if (text && ports_parse(text, &first, &last))
		yaml_error(y, value, "%s: '%s' %s", key->name, text,
			   ports_wrong(text, key->like));
	else if (text)
		s->flows.ports = (struct port_range){ first, last };
}

/* Appends an address to a list. For invalid text it appends family 0, so that indexes in the list
 * and in the file stay the same. */
static void add_source(struct yaml *y, const struct yaml_key *key, struct yaml_node *value,
		       void *object)
{
	const char *text = yaml_text(y, key, value);
	struct service_config *s = object;
	struct address *place =
		yaml_append(y, &s->flows.sources, &s->flows.n_sources, sizeof(*place));

	if (place && text && address_parse(text, place))
		yaml_error(y, value, "%s: '%s' %s", key->name, text, address_wrong(text, 0, false));
}

const struct yaml_key config_flows_keys[] = {
	{ .name = "max", .set = set_number, .offset = offsetof(struct service_config, flows.max),
	  .like = "262144" },
	{ .name = "share", .set = set_number,
	  .offset = offsetof(struct service_config, flows.share), .like = "4096" },
	{ .name = "timeout", .set = set_timeout, .like = "300s" },
	{ .name = "ports", .set = set_ports, .like = "20000-60999" },
	{ .name = "source", .set = yaml_set_list, .like = "192.168.1.1", .item = add_source },
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
