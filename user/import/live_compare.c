/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Compares the rules of this host with a configuration by running both in a rehearsal. Samples are
 * sent with the rules alone, then with the real program beside the rules, then with the program
 * alone. Neither side is simulated.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>
#include "config/config_diff.h"
#include "import/import.h"
#include "import/live.h"
#include "lib/document.h"
#include "lib/gen_run.h"
#include "lib/grow.h"
#include "lib/log.h"
#include "lib/paths.h"

#define CLIENTS_MAX 200			/* clients whose samples are compared, at most */
#define LISTED_MAX 20			/* differences that are printed, at most */
#define CONFIG_PATH RUN_STATE_DIR "/compare.yaml"

struct row {
	struct sample s;
	bool direct;			/* .s.to is no address of this host */
	struct sample_answer rules, beside, alone;
	const char *result;		/* "agrees", or what differs */
};

struct comparing {
	struct rehearsal *r;
	struct address *clients;
	__u16 *ports;
	struct row *rows;
	size_t n_clients, n_ports, n_rows;
};

/* ---- samples ---- */

static void add_port(struct comparing *c, unsigned int port)
{
	for (size_t i = 0; i < c->n_ports; i++)
		if (c->ports[i] == port)
			return;
	if (port && port < 65536)
		*append(c->ports, c->n_ports) = port;
}

/* Ports that rules or services name, and those beside. */
static void choose_ports(struct comparing *c, const struct config *config)
{
	for (size_t i = 0; i < c->r->n_ports; i++)
		add_port(c, c->r->ports[i]);
	for (size_t i = 0; i < config->n_services; i++) {
		const struct service_config *s = &config->services[i];

		for (size_t k = 0; k < s->n_ports; k++)
			for (int more = -1; more < 2; more++)
				add_port(c, ntohs(s->ports[k]) + more);
		add_port(c, ntohs(s->backend.port));
	}
}

static void add_prefixes(struct comparing *c, const struct prefix *list, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		*append(c->clients, c->n_clients) =
			(struct address){ list[i].addr, list[i].family };
		*append(c->clients, c->n_clients) =
			(struct address){ prefix_last(&list[i]), list[i].family };
	}
}

/* Clients that no rule mentions, one in each set, and those at the ends of all prefixes. */
static void choose_clients(struct comparing *c, const struct config *config)
{
	size_t step = c->r->n_edges / CLIENTS_MAX + 1;

	for (int f = 0; f < 2; f++)
		*append(c->clients, c->n_clients) = sample_outsider(f ? FAMILY_IPV6 : FAMILY_IPV4);
	for (size_t i = 0; i < c->r->n_sets && i < 256; i++) {
		struct address a = sample_member(c->r->sets[i].addresses);

		a.addr.b[14] = i;
		if (c->r->sets[i].addresses && !rehearsal_put(c->r, &c->r->sets[i], &a, true))
			*append(c->clients, c->n_clients) = a;
	}
	for (size_t i = 0; i < config->n_services; i++) {
		add_prefixes(c, config->services[i].allow, config->services[i].n_allow);
		add_prefixes(c, config->services[i].deny, config->services[i].n_deny);
	}
	for (size_t i = 0; i < c->r->n_edges; i += step)
		*append(c->clients, c->n_clients) = c->r->edges[i];
}

static void add_rows(struct comparing *c, __u32 in, const struct address *to, bool direct)
{
	for (size_t i = 0; i < c->n_clients; i++) {
		if (c->clients[i].family != to->family || !live_is_client(c->r, &c->clients[i]) ||
		    !sample_comes_from(c->r, in, &c->clients[i]))
			continue;
		for (size_t k = 0; k < c->n_ports; k++)
			*append(c->rows, c->n_rows) = (struct row){
				.direct = direct,
				.s = { .in = in, .from = c->clients[i], .to = *to,
				       .port = c->ports[k] },
			};
	}
}

static void choose_rows(struct comparing *c, const struct import *im)
{
	for (size_t i = 0; i < c->r->n_links; i++) {
		__u32 in = c->r->links[i].index;

		if (!live_is_wan(im, &c->r->links[i]))
			continue;
		for (size_t k = 0; k < c->r->n_addresses; k++)
			if (c->r->addresses[k].index == in)
				add_rows(c, in, &c->r->addresses[k].address, false);
		for (size_t k = 0; k < c->r->n_hosts; k++)
			if (live_is_client(c->r, &c->r->hosts[k]) &&
			    !sample_comes_from(c->r, in, &c->r->hosts[k]))
				add_rows(c, in, &c->r->hosts[k], true);
	}
}

/* ---- the real program ---- */

/* Writes the interfaces and services. Samples are no WireGuard messages, so guards are left out. */
static int write_config(const struct config *config)
{
	FILE *out = fopen(CONFIG_PATH, "we");

	if (!out)
		return -errno;
	if (config->n_interfaces)
		fputs("interfaces:\n", out);
	for (size_t i = 0; i < config->n_interfaces; i++)
		config_put_interface(out, &config->interfaces[i]);
	fputs("services:\n", out);
	for (size_t i = 0; i < config->n_services; i++) {
		struct service_config s = config->services[i];

		s.guard = (struct guard_config){ .on = false };
		s.backend.n_keys = 0;
		config_put_service(out, &s);
	}
	return fclose(out) ? -errno : 0;
}

/* Mounts of its own keep the program's maps and files apart from those of the host. */
static int separate_mounts(void)
{
	if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount("bpf", "/sys/fs/bpf", "bpf", 0, "mode=0700") ||
	    (mkdir(RUN_STATE_DIR, 0755) && errno != EEXIST) ||
	    mount("tmpfs", RUN_STATE_DIR, "tmpfs", 0, NULL))
		return -errno;
	return setenv("STATE_DIRECTORY", RUN_STATE_DIR "/state", 1) ? -errno : 0;
}

static int begin_program(const struct config *config)
{
	char *words[] = { "/proc/self/exe", "up", "-c", CONFIG_PATH, NULL };
	int rc = separate_mounts();

	if (rc) {
		log_error("import --compare: cannot mount what wgxdp needs to run here: %s: run it "
			  "as root", strerror(-rc));
		return rc;
	}
	rc = config->n_services ? write_config(config) ?:
				  run_program(words, -1, STDERR_FILENO, -1) : 0;
	if (rc)
		log_error("import --compare: `wgxdp up` failed on the copies of this host's "
			  "interfaces");
	return rc;
}

/* ---- results ---- */

static bool same_answer(const struct row *row, const struct sample_answer *a)
{
	const struct sample_answer *b = &row->rules;

	if (a->end != SAMPLE_AWAY || b->end != SAMPLE_AWAY)
		return (a->end == SAMPLE_AWAY) == (b->end == SAMPLE_AWAY);
	return address_equal(&a->to, &b->to) && a->port == b->port && a->out == b->out &&
	       address_equal(&a->from, &b->from);
}

static void decide(struct row *row)
{
	row->result = "agrees";
	if (!same_answer(row, &row->beside))
		row->result = "differs";
	else if (!row->direct && row->rules.end == SAMPLE_AWAY && !same_answer(row, &row->alone))
		row->result = "lacks";	/* the rules forward it, and no service does */
}

static const char *describe(const struct sample_answer *a, const struct address *client,
			    char ret[256])
{
	char to[ADDRESS_STRLEN], from[ADDRESS_STRLEN];
	bool masquerades = !address_equal(&a->from, client);

	if (a->end == SAMPLE_AWAY)
		snprintf(ret, 256, "forward it to %s port %u%s%s", address_format(&a->to, to),
			 a->port, masquerades ? " and masquerade it as " : "",
			 masquerades ? address_format(&a->from, from) : "");
	else
		snprintf(ret, 256, a->end == SAMPLE_HERE ? "leave it to this host" : "drop it");
	return ret;
}

static void print_row(const struct row *row, FILE *out)
{
	char from[ADDRESS_STRLEN], to[ADDRESS_STRLEN], rules[256], with[256];
	bool lacks = !strcmp(row->result, "lacks");

	fprintf(out, "%s: from %s to %s port %u: the rules %s; ", lacks ? "differs" : row->result,
		address_format(&row->s.from, from), address_format(&row->s.to, to), row->s.port,
		describe(&row->rules, &row->s.from, rules));
	if (lacks)
		fputs("no service has it\n", out);
	else
		fprintf(out, "with wgxdp, this host would %s\n",
			describe(&row->beside, &row->s.from, with));
}

/* Returns whether the rows have the same cause as far as a reader can see. */
static bool is_like(const struct row *a, const struct row *b)
{
	return a->s.port == b->s.port && a->result == b->result &&
	       address_equal(&a->rules.to, &b->rules.to) &&
	       address_equal(&a->beside.to, &b->beside.to);
}

static void print_text(const struct comparing *c, bool all, size_t differ, FILE *out)
{
	size_t listed = 0;

	for (size_t i = 0; i < c->n_rows; i++) {
		bool agrees = !strcmp(c->rows[i].result, "agrees"), repeated = false;

		for (size_t k = 0; k < i && !agrees && !all && !repeated; k++)
			repeated = is_like(&c->rows[k], &c->rows[i]);
		if (all || (!agrees && !repeated && ++listed <= LISTED_MAX))
			print_row(&c->rows[i], out);
	}
	fprintf(out, "%zu samples: %zu agree, %zu differ\n", c->n_rows, c->n_rows - differ, differ);
}

static void print_json(const struct comparing *c, bool all, FILE *out)
{
	struct document *d = document_new();
	struct node list = document_list(document_root(d), "samples");
	char from[ADDRESS_STRLEN], to[ADDRESS_STRLEN], text[256];

	for (size_t i = 0; i < c->n_rows; i++) {
		const struct row *row = &c->rows[i];
		struct node n;

		if (!all && !strcmp(row->result, "agrees"))
			continue;
		n = document_row(list);
		document_text(n, "from", address_format(&row->s.from, from));
		document_text(n, "to", address_format(&row->s.to, to));
		document_number(n, "port", row->s.port);
		document_text(n, "rules", describe(&row->rules, &row->s.from, text));
		document_text(n, "wgxdp", describe(!strcmp(row->result, "lacks") ? &row->alone :
						   &row->beside, &row->s.from, text));
		document_text(n, "result", !strcmp(row->result, "agrees") ? "agrees" : "differs");
	}
	document_number(document_root(d), "compared", c->n_rows);
	document_print_json(d, out);
	document_free(d);
}

int import_compare(struct import *im, const struct config *config, bool all, bool json, FILE *out)
{
	struct comparing c = { .r = im->rehearsal };
	size_t differ = 0;
	int rc;

	if (!c.r) {
		log_error("import --compare: there are no rules to compare with");
		return -EINVAL;
	}
	choose_ports(&c, config);
	choose_clients(&c, config);
	choose_rows(&c, im);
	for (size_t i = 0; i < c.n_rows; i++)
		c.rows[i].rules = sample_play(c.r, &c.rows[i].s);
	rc = begin_program(config);
	if (rc)
		return rc;
	rehearsal_forget(c.r);
	for (size_t i = 0; i < c.n_rows; i++)
		c.rows[i].beside = sample_play(c.r, &c.rows[i].s);
	rehearsal_remove_rules(c.r);
	for (size_t i = 0; i < c.n_rows; i++) {
		c.rows[i].alone = c.rows[i].direct ? c.rows[i].beside :
						     sample_play(c.r, &c.rows[i].s);
		decide(&c.rows[i]);
		differ += !!strcmp(c.rows[i].result, "agrees");
	}
	if (json)
		print_json(&c, all, out);
	else
		print_text(&c, all, differ, out);
	if (!json)
		import_write_assumed(im, "", out);
	return differ ? 1 : 0;
}
