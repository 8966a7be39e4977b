/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Writes a configuration as YAML that config_parse() reads back to the same configuration.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include "config/config_parts.h"
#include "config/config_sections.h"
#include "config/config_diff.h"
#include "lib/text.h"

void config_put_ports(FILE *out, const struct service_config *s)
{
	size_t i, run;

	for (i = 0; i < s->n_ports; i += run) {
		unsigned int first = ntohs(s->ports[i]);

		for (run = 1; i + run < s->n_ports && ntohs(s->ports[i + run]) == first + run;
		     run++)
			;
		if (run < 3)
			run = 1;
		fprintf(out, run > 1 ? "%s%u-%zu" : "%s%u", i ? ", " : "", first, first + run - 1);
	}
}

static void put_listen(FILE *out, const struct service_config *s)
{
	const char *comma = "";
	char text[ADDRESS_STRLEN];
	size_t i;

	if (!*s->listen_interface && !s->n_listen_addresses && !s->n_ports)
		return;
	fputs("    listen: { ", out);
	if (*s->listen_interface) {
		fputs("interface: ", out);
		config_put_text(out, s->listen_interface);
		comma = ", ";
	}
	if (s->n_listen_addresses) {
		fprintf(out, "%saddresses: [ ", comma);
		for (i = 0; i < s->n_listen_addresses; i++) {
			fputs(i ? ", " : "", out);
			config_put_text(out, address_format(&s->listen_addresses[i], text));
		}
		fputs(" ]", out);
		comma = ", ";
	}
	if (s->n_ports) {
		fprintf(out, "%sports: [ ", comma);
		config_put_ports(out, s);
		fputs(" ]", out);
	}
	fputs(" }\n", out);
}

static void put_backend(FILE *out, const struct backend_config *b)
{
	fputs("    backend: {", out);
	config_put_place(out, " ", b->ipv4, b->ipv6, b->port);
	config_put_standby(out, b);
	fputs(" }\n", out);
}

void config_put_interface(FILE *out, const struct interface_config *i)
{
	fputs("  - { name: ", out);
	config_put_text(out, i->name);
	fprintf(out, ", role: %s, mode: %s%s%s }\n", role_names[i->role], mode_names[i->mode],
		i->transmit == TRANSMIT_TC ? ", transmit: tc" : "",
		i->shared ? ", shared: true" : "");
}

void config_put_service(FILE *out, const struct service_config *s)
{
	fputs("  - name: ", out);
	config_put_text(out, s->name);
	putc('\n', out);
	put_listen(out, s);
	if (!s->n_backends)
		put_backend(out, &s->backend);
	config_put_guard(out, s);
	fprintf(out, "    nat: %s\n    ipv6: %s\n", nat_name(s->nat), ipv6_names[s->ipv6]);
	if (s->df != DF_FRAGMENT)
		fprintf(out, "    df: %s\n", df_names[s->df]);
	if (s->hairpin)
		fputs("    hairpin: true\n", out);
	config_put_flows(out, &s->flows);
	config_put_lists(out, s);
}

void config_put_peer(FILE *out, const struct peer_config *p)
{
	char text[WG_KEY_STRLEN];

	fputs("  - name: ", out);
	config_put_text(out, p->name);
	if (!wg_key_is_none(&p->key))
		fprintf(out, "\n    public-key: \"%s\"", wg_key_format(&p->key, text));
	fputs("\n    device: ", out);
	config_put_text(out, p->device);
	putc('\n', out);
	config_put_clients(out, "prefixes", p->prefixes, p->n_prefixes, NULL, 0);
}

void config_put_follow(FILE *out, const struct config *c)
{
	const struct follow_config *f = &c->follow;
	char text[TABLE_STRLEN];

	if (!f->n_wireguard && !f->n_tables)
		return;
	fputs("follow: {", out);
	for (size_t i = 0; i < f->n_wireguard; i++) {
		fputs(i ? ", " : " wireguard: [ ", out);
		config_put_text(out, f->wireguard[i].name);
	}
	fputs(f->n_wireguard ? f->n_tables ? " ]," : " ]" : "", out);
	for (size_t i = 0; i < f->n_tables; i++)
		fprintf(out, "%s%s", i ? ", " : " routes: [ ", table_format(f->tables[i], text));
	fputs(f->n_tables ? " ] }\n" : " }\n", out);
}

void config_put_announce(FILE *out, const struct config *c)
{
	const struct announce_config *a = &c->announce;

	if (!a->table)
		return;
	fprintf(out, "announce: { table: %u", a->table);
	if (a->after)
		fprintf(out, ", after: %us", a->after);
	if (a->silent)
		fprintf(out, ", silent: %us", a->silent);
	fputs(" }\n", out);
}

static void put_port_list(FILE *out, const char *key, const struct port_range *r, size_t n)
{
	fprintf(out, "  %s: [", key);
	for (size_t i = 0; i < n; i++)
		fprintf(out, r[i].first == r[i].last ? "%s %u" : "%s %u-%u", i ? "," : "",
			r[i].first, r[i].last);
	fputs(" ]\n", out);
}

void config_put_policy(FILE *out, const struct config *c)
{
	const struct policy_config *p = &c->policy;
	const char *comma = "", *name;
	char text[ADDRESS_STRLEN];
	__u8 type;

	if (!p->overlay.family)
		return;
	fprintf(out, "policy:\n  overlay: \"%s\"\n", prefix_format(&p->overlay, text));
	put_port_list(out, "udp-ports", p->udp_ports, p->n_udp_ports);
	if (p->n_tcp_ports)
		put_port_list(out, "tcp-ports", p->tcp_ports, p->n_tcp_ports);
	fputs("  icmpv6: [", out);
	for (unsigned int i = 0; (name = icmpv6_name(i, &type)); i++)
		if (p->icmpv6 & 1U << i) {
			fprintf(out, "%s %s", comma, name);
			comma = ",";
		}
	fprintf(out, " ]\n  reject: %s\n", reject_name(p->reject));
}

void config_put_exporter(FILE *out, const struct config *c)
{
	char text[ADDRESS_STRLEN];

	if (!c->n_exporter)
		return;
	fputs("exporter: { listen: [ ", out);
	for (size_t i = 0; i < c->n_exporter; i++) {
		const struct endpoint_config *at = &c->exporter[i];

		fputs(i ? ", " : "", out);
		if (at->systemd)
			fputs("systemd", out);
		else
			fprintf(out, "\"%s\"", endpoint_format(&at->address, at->port, text));
	}
	fputs(" ]", out);
	if (c->page != PAGE_LOCAL)
		fprintf(out, ", page: %s", page_names[c->page]);
	if (*c->web_config) {
		fputs(", web-config: ", out);
		config_put_text(out, c->web_config);
	}
	for (size_t i = 0; i < c->n_exporter_names; i++)
		fprintf(out, "%s%s", i ? ", " : ", names: [ ", c->exporter_names[i].text);
	fprintf(out, "%s }\n", c->n_exporter_names ? " ]" : "");
}

static void write_config(const struct config *c, FILE *out, bool running)
{
	size_t i;

	if (running || c->mode != MODE_AUTO)
		fprintf(out, "running: { mode: %s%s }\n", mode_names[c->mode],
			running && c->by_command ? ", by-command: true" : "");
	if (c->express != EXPRESS_ON)
		fprintf(out, "express: %s\n", express_names[c->express]);
	if (c->express_entries)
		fprintf(out, "express-entries: %u\n", c->express_entries);
	if (c->n_interfaces)
		fputs("interfaces:\n", out);
	for (i = 0; i < c->n_interfaces; i++)
		config_put_interface(out, &c->interfaces[i]);
	if (c->n_services)
		fputs("services:\n", out);
	for (i = 0; i < c->n_services; i++)
		config_put_service(out, &c->services[i]);
	if (c->n_peers)
		fputs("peers:\n", out);
	for (i = 0; i < c->n_peers; i++)
		config_put_peer(out, &c->peers[i]);
	config_put_follow(out, c);
	config_put_announce(out, c);
	config_put_policy(out, c);
	config_put_blind(out, c);
	config_put_endpoints(out, c);
	config_put_learn(out, c);
	config_put_rates(out, c);
	config_put_exporter(out, c);
	config_put_ddns(out, c);
}

int config_write(const struct config *c, FILE *out)
{
	write_config(c, out, true);
	return ferror(out) || fflush(out) ? -EIO : 0;
}

char *config_text(const struct config *c)
{
	char *text;
	size_t n;
	FILE *out = text_open(&text, &n);

	write_config(c, out, false);
	fflush(out);
	if (!n)
		fputs("{}\n", out);	/* an empty text is also what a failed command leaves */
	fclose(out);
	return text;
}

int config_save(const struct config *c, FILE *out)
{
	char *text = config_text(c);
	int rc = fputs(text, out) < 0 || fflush(out) ? -errno : 0;

	free(text);
	return rc;
}
