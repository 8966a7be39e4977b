/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * wgxdp doctor: finds what on this host keeps packets from passing or makes them slow, and names
 * the command that fixes it. `check` tells whether a configuration can be brought up, and doctor
 * tells why a running one does not work.
 */
#include <errno.h>
#include <stdio.h>
#include <unistd.h>
#include "cmd/command.h"
#include "doctor/doctor.h"
#include "lib/document.h"
#include "lib/log.h"
#include "instance/run_state.h"
#include "lib/memory.h"
#include "lib/text.h"

enum { LISTEN_MAX = 3600 };		/* longest --listen in seconds */

struct arguments {
	const char *file;
	struct quick_service line;
	unsigned long seconds;		/* how long doctor listens, in seconds */
	bool json;
};

static int parse(struct arguments *a, int argc, char **argv)
{
	if (!options_parse(&doctor_command, argc, argv, a, NULL))
		return -EINVAL;
	if (a->line.config && a->file) {
		log_error("doctor: -c FILE cannot be used together with --wan and --to: leave out one or the other");
		return -EINVAL;
	}
	return a->line.config ? quick_service_finish(&a->line, "doctor") : 0;
}

/* ---- output ---- */

static const char *const state_names[] = {
	[STATE_OK] = "ok", [STATE_WARNING] = "warning", [STATE_PROBLEM] = "problem",
};

static size_t count_findings(const struct doctor *k, enum state state)
{
	size_t n = 0;

	for (size_t i = 0; i < k->n_findings; i++)
		n += k->findings[i].state == state;
	return n;
}

static void print_findings(const struct doctor *k)
{
	for (size_t i = 0; i < k->n_findings; i++) {
		const struct finding *f = &k->findings[i];
		char text[FINDING_LEN];

		printf("%-8s %s%s", state_names[f->state], f->check, *f->about.name ? " " : "");
		text_print(stdout, f->about.name);
		fputs(": ", stdout);
		text_print(stdout, finding_print(f, FINDING_IT, true, text));
		if (f->fix) {
			printf("\n         fix%s: ",
			       fix_lasts(f->fix) ? "" : " until the next boot");
			text_print(stdout, f->fix);
		}
		putchar('\n');
	}
	printf("ok: %zu, warnings: %zu, problems: %zu\n", count_findings(k, STATE_OK),
	       count_findings(k, STATE_WARNING), count_findings(k, STATE_PROBLEM));
}

static void print_json(const struct doctor *k)
{
	struct document *d = document_new();
	struct node root = document_root(d), list;

	document_text(root, "version", VERSION);
	document_text(root, "instance", k->instance);
	document_text(root, "running", k->up ? "yes" : "no");
	document_number(root, "problems", count_findings(k, STATE_PROBLEM));
	document_number(root, "warnings", count_findings(k, STATE_WARNING));
	list = document_list(root, "findings");
	for (size_t i = 0; i < k->n_findings; i++) {
		const struct finding *f = &k->findings[i];
		struct node row = document_row(list);
		char text[FINDING_LEN];

		document_text(row, "check", f->check);
		document_text(row, "subject", f->about.name);
		document_text(row, "state", state_names[f->state]);
		document_text(row, "found", finding_print(f, FINDING_IT, true, text));
		document_text(row, "fix", f->fix);
		document_text(row, "lasts", !f->fix ? NULL : fix_lasts(f->fix) ? "yes" : "no");
	}
	document_print_json(d, stdout);
}

/* ---- checks ---- */

/* Reads the running configuration. If none runs, it reads the file that the next start would use
 * or, without one, makes an empty configuration: doctor can examine the host in any case. */
static int open_running(struct doctor *k, struct config **ret)
{
	int rc = dataplane_open(k->instance, &k->dp);

	if (rc)
		return rc;
	if (k->dp->elsewhere) {
		log_error("instance %s runs in another network namespace: run `wgxdp doctor` there", k->instance);
		return -ENOENT;
	}
	k->up = k->dp->running;
	if (k->up)
		return running_read_quietly(k->instance, ret);
	dataplane_close(k->dp);
	k->dp = NULL;
	k->up = !run_state_read(k->instance, ret);
	if (k->up)
		return 0;
	if (!access(k->config, F_OK)) {
		snprintf(k->file, sizeof(k->file), "%s", k->config);
		return config_read(k->file, ret);
	}
	*ret = xcalloc(1, sizeof(**ret));
	return 0;
}

static int run_checks(struct doctor *k)
{
	int rc = doctor_gather(k);

	if (rc)
		return rc;
	doctor_kernel(k);
	doctor_find(k);
	doctor_interfaces(k);
	doctor_instance(k);
	doctor_forwarding(k);
	doctor_mtu(k);
	doctor_rules(k);
	doctor_routes(k);
	doctor_listen(k);
	doctor_frames(k);
	rc = doctor_backends(k);
	doctor_replies(k);
	doctor_guards(k);
	doctor_wireguard(k);
	doctor_counters(k);
	return rc;
}

static int run_doctor(const struct global *g, int argc, char **argv)
{
	struct arguments a = { .seconds = 1 };
	struct doctor k = { .instance = g->instance, .config = g->config };
	struct config *c = NULL;
	int rc;

	if (parse(&a, argc, argv) || (a.file && config_read(a.file, &a.line.config)))
		return EXIT_USAGE;
	if (geteuid()) {
		log_error("doctor: only root may read BPF programs, maps and firewall rules: run this command as root");
		return EXIT_FAILED;
	}
	k.seconds = a.seconds;
	log_no_info();
	k.only_file = a.line.config;
	rc = k.only_file ? 0 : open_running(&k, &c);
	k.c = a.line.config ?: c;
	rc = rc ?: host_read(&k.h) ?: run_checks(&k);
	if (rc)
		return EXIT_FAILED;
	if (a.json)
		print_json(&k);
	else
		print_findings(&k);
	return count_findings(&k, STATE_PROBLEM) ? EXIT_HOST : EXIT_DONE;
}

static const struct command_option options[] = {
	{ 'c', "config", "FILE", offsetof(struct arguments, file),
	  "check this host for the configuration in FILE (-: standard input), not for the running one",
	  .values = "@file" },
	QUICK_SERVICE_OPTIONS(offsetof(struct arguments, line)),
	{ 0, "listen", "SECONDS", offsetof(struct arguments, seconds),
	  "seconds to watch for clients whose packets are not forwarded, for unknown VLAN tags, and for drops (default: 1)",
	  parse_number, LISTEN_MAX },
	JSON_OPTION(offsetof(struct arguments, json)),
	{ 0 },
};

const struct command doctor_command = {
	.name = "doctor",
	.summary = "find out why packets do not pass, and print commands that fix it",
	.usage = "[-c FILE] [--listen SECONDS] [-j|--json]\n"
		 "--wan IF [--wan IF]... --to BACKEND[,BACKEND][:PORT] [--lan IF]... [--port PORTS] [--nat dnat|none|masquerade] [--listen SECONDS] [-j|--json]",
	.about = "Checks this host and the running configuration: kernel, clock, interfaces, drivers, offloads, MTU, VLANs, forwarding, other BPF programs, firewall rules, routes, backends, WireGuard and handshakes. Each finding is ok, a warning or a problem; most problems have a command that fixes them. If nothing runs, it checks the host for "
		 CONFIG_DEFAULTS ", if that exists. It changes nothing. It sends two bytes to each backend to see whether an error comes back.\nExit status 0: no problem. 3: problems were found. 2: the file is invalid. 1: the checks failed.",
	.run = run_doctor,
	.options = options,
	.only_prints = true,
};
