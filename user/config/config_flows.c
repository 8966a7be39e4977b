/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Reads and writes the key flows of services with nat: masquerade or hairpin: true.
 */
#include "lib/grow.h"
#include "config/config_check.h"
#include "config/config_flows.h"
#include "config/config_pattern.h"

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
