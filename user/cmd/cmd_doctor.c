/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * wgxdp doctor: what on this host, and in what runs, keeps packets from passing, or makes them slow; with the command that cures it.
 * `check` asks whether a configuration could be brought up; doctor why what was brought up does not do what it should.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "cmd/command.h"
#include "doctor/doctor.h"
#include "lib/document.h"
#include "config/line.h"
#include "lib/log.h"
#include "instance/running.h"

const char doctor_help[] =
	"[-c FILE] [--listen SECONDS] [-j|--json]\n"
	"       wgxdp doctor --wan IF [--wan IF]... --to BACKEND[,BACKEND][:PORT] [--lan IF]... [--port N[,N]...]\n"
	"                    [--nat dnat|none|masquerade] [--listen SECONDS] [-j|--json]\n\n"
	"Looks at this host and at what runs: kernel, interfaces, drivers, offloads, MTU, VLANs, forwarding, other programs, rules,\n"
	"routes, whether backends answer, WireGuard, handshakes, clock. Each finding is ok, a warning or a problem, with the command that\n"
	"cures it. Nothing is changed; backends are sent two bytes to see whether somebody is there.\n"
	"Exit status: 0 no problem; 3 some; 2 the file is invalid; 1 it could not look.\n\n"
	"  -c, --config FILE  not what runs, but this; - is standard input\n"
	"  --wan, --to, --lan, --port, --nat\n"
	"                     the same in one line, as `up` takes it\n"
	"  --listen SECONDS   for frames of unknown VLANs, and what is dropped meanwhile (default 1)\n"
	"  -j, --json         for programs\n";

enum { OPT_LISTEN = LINE_OPTIONS, LISTEN_MAX = 3600 };

struct arguments {
	const char *file;
	struct line line;
	unsigned int seconds;
	bool json;
};

static int parse_option(struct arguments *a, int option)
{
	char *end;

	switch (option) {
	case 'c':
		a->file = optarg;
		return 0;
	case 'j':
		a->json = true;
		return 0;
	case OPT_LISTEN:
		a->seconds = strtoul(optarg, &end, 10);
		if (*optarg >= '0' && *optarg <= '9' && !*end && a->seconds && a->seconds <= LISTEN_MAX)
			return 0;
		log_error("--listen %s: a number of seconds from 1 to %d is wanted", optarg, LISTEN_MAX);
		return -EINVAL;
	}
	return line_option(&a->line, option, optarg);
}

static int parse(struct arguments *a, int argc, char **argv)
{
	static const struct option options[] = {
		{ "config", required_argument, NULL, 'c' }, { "json", no_argument, NULL, 'j' },
		{ "wan", required_argument, NULL, LINE_WAN }, { "lan", required_argument, NULL, LINE_LAN },
		{ "to", required_argument, NULL, LINE_TO }, { "port", required_argument, NULL, LINE_PORT },
		{ "nat", required_argument, NULL, LINE_NAT }, { "listen", required_argument, NULL, OPT_LISTEN }, { 0 },
	};
	int option, rc = 0;

	opterr = 0;
	while (!rc && (option = getopt_long(argc, argv, ":c:j", options, NULL)) != -1) {
		if (option == ':' || option == '?')
			option_error("doctor", option, argv);
		rc = option == ':' || option == '?' ? -EINVAL : parse_option(a, option);
	}
	if (!rc && optind < argc) {
		log_error("doctor: %s: not an option; a file is named by -c", argv[optind]);
		rc = -EINVAL;
	}
	if (!rc && a->line.config && a->file) {
		log_error("doctor: either -c FILE or --wan and --to, not both");
		rc = -EINVAL;
	}
	return rc ?: a->line.config ? line_finish(&a->line, "doctor") : 0;
}

/* ---- telling ---- */

static const char *const state_names[] = { "ok", "warning", "problem" };

static size_t count(const struct doctor *k, enum state state)
{
	size_t n = 0;

	for (size_t i = 0; i < k->n_findings; i++)
		n += k->findings[i].state == state;
	return n;
}

static void print(const struct doctor *k)
{
	for (size_t i = 0; i < k->n_findings; i++) {
		const struct finding *f = &k->findings[i];

		printf("%-8s %s%s%s: %s\n", state_names[f->state], f->check, *f->subject ? " " : "", f->subject, f->found);
		if (f->cure)
			printf("         cure: %s\n", f->cure);
	}
	printf("ok: %zu, warnings: %zu, problems: %zu\n", count(k, STATE_OK), count(k, STATE_WARNING), count(k, STATE_PROBLEM));
}

static int print_json(const struct doctor *k)
{
	struct document *d = document_new();
	struct node root, list;
	int rc;

	if (!d)
		return -ENOMEM;
	root = document_root(d);
	document_text(root, "version", VERSION);
	document_text(root, "instance", k->instance);
	document_text(root, "running", k->dp ? "yes" : "no");
	document_number(root, "problems", count(k, STATE_PROBLEM));
	document_number(root, "warnings", count(k, STATE_WARNING));
	list = document_list(root, "findings");
	for (size_t i = 0; i < k->n_findings; i++) {
		const struct finding *f = &k->findings[i];
		struct node row = document_row(list);

		document_text(row, "check", f->check);
		document_text(row, "subject", f->subject);
		document_text(row, "state", state_names[f->state]);
		document_text(row, "found", f->found);
		if (f->cure)
			document_text(row, "cure", f->cure);
		else
			document_null(row, "cure");
	}
	rc = document_print_json(d, stdout);
	document_free(d);
	return rc;
}

/* ---- looking ---- */

/* Of an instance in another network namespace nothing here tells */
static int open_running(struct doctor *k, struct config **ret)
{
	int rc = dataplane_open(k->instance, &k->dp);

	if (!rc && (!k->dp->running || k->dp->elsewhere)) {
		if (k->dp->elsewhere)
			log_error("instance %s runs in another network namespace: doctor has to be run there", k->instance);
		else
			log_error("instance %s is not up: -c FILE, or --wan and --to, say what is to be looked for", k->instance);
		rc = -ENOENT;
	}
	return rc ?: running_read_quietly(k->instance, ret);
}

static int look(struct doctor *k)
{
	int rc = doctor_gather(k);

	if (rc)
		return rc;
	doctor_kernel(k);
	doctor_interfaces(k);
	doctor_forwarding(k);
	doctor_mtu(k);
	doctor_rules(k);
	doctor_routes(k);
	doctor_listen(k);
	doctor_backends(k);
	doctor_guards(k);
	doctor_wireguard(k);
	doctor_counters(k);
	return k->failed;
}

int cmd_doctor(const struct global *g, int argc, char **argv)
{
	struct arguments a = { .seconds = 1 };
	struct doctor k = { .instance = g->instance };
	struct config *c = NULL;
	int status = EXIT_USAGE, rc = parse(&a, argc, argv);

	if (!rc && a.file)
		rc = config_read(a.file, &a.line.config);
	if (rc)
		goto cleanup;
	status = EXIT_FAILED;
	if (geteuid()) {
		log_error("doctor: only root may see programs, maps and rules");
		goto cleanup;
	}
	k.seconds = a.seconds;
	log_no_info();
	rc = a.line.config ? 0 : open_running(&k, &c);
	k.c = a.line.config ?: c;
	rc = rc ?: host_read(&k.h) ?: look(&k);
	if (!rc) {
		if (a.json)
			rc = print_json(&k);
		else
			print(&k);
	}
	if (!rc)
		status = count(&k, STATE_PROBLEM) ? EXIT_HOST : EXIT_DONE;
	else if (rc == -ENOMEM)
		log_error("doctor: no memory");
cleanup:
	doctor_free(&k);
	dataplane_close(k.dp);
	config_free(c);
	config_free(a.line.config);
	return status;
}
