/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * wgxdp check: reports the errors of a configuration, and everything that this host lacks for it.
 * It changes nothing.
 */
#include <stdio.h>
#include <string.h>
#include "cmd/command.h"
#include "config/config_check.h"
#include "dataplane/load_error.h"
#include "config/config_sections.h"
#include "findings/facts.h"
#include "plan/transmit.h"
#include "lib/log.h"
#include "plan/plan.h"
#include "instance/resolver.h"

struct checked {
	const char *instance;
	const struct host *host;
	struct resolved_backends answers;
	unsigned int n;
};

static void check_host(void *data, const struct config *c, config_tell *tell, void *to)
{
	struct checked *k = data;
	struct facts f = { .config = c, .host = k->host, .answers = &k->answers,
			   .instance = k->instance };
	struct findings l = { 0 };
	char text[FINDING_LEN];

	resolved_backends_read(k->instance, &k->answers);
	resolved_backends_match(&k->answers, c);
	for (size_t i = 0; i < c->n_endpoints; i++)
		resolved_backends_add(&k->answers, c->endpoints[i].host);
	resolver_once(&k->answers, false, RESOLVE_MS);
	resolved_backends_follow_prefixes(&k->answers, k->host);
	facts_interfaces(&f);
	facts_backends(&f, true);
	facts_ways(&f);
	findings_make(&f, CHECK, &l);
	k->n = l.n;
	for (size_t i = 0; i < l.n; i++) {
		struct config_place place = { 0 };

		strcpy(place.path, l.list[i].about.path);
		tell(to, &place, finding_print_at(&l.list[i], text));
	}
	findings_free(&l);
	facts_free(&f);
}

/* Makes the whole plan, which finds errors that concern several sections. That an interface works
 * by tc alone is no error. */
static int try_plan(const struct config *c, struct checked *f)
{
	struct plan_input in = { .config = c, .host = f->host, .answers = &f->answers };
	struct plan *p = NULL;
	int rc = plan_make(&in, &p);

	for (size_t i = 0; !rc && i < p->n_nics; i++)
		if (p->nics[i].mode == MODE_AUTO || p->nics[i].mode == MODE_NATIVE)
			headroom_warn(p, f->host, &p->nics[i]);
	return rc;
}

/* Prints a count and a noun, such as ", 2 peers"; nothing if n is 0. */
static void print_count(size_t n, const char *noun)
{
	if (n)
		printf(", %zu %s%s", n, noun, n == 1 ? "" : "s");
}

/* Prints that the file is valid, with its numbers of services, peers and so on. */
static void print_valid(const char *file, const struct config *c)
{
	printf("%s: valid", file);
	print_count(c->n_services, "service");
	print_count(c->n_peers, "peer");
	print_count(c->follow.n_wireguard, "followed interface");
	if (*c->blind.device)
		printf(", blind relay");
	if (c->blind.n_sites)
		printf(" with %zu site%s", c->blind.n_sites, c->blind.n_sites == 1 ? "" : "s");
	print_count(c->n_endpoints, "endpoint");
	print_count(c->n_ddns, "DNS update");
	puts(". This host has everything that the configuration needs.");
}

static int run_check(const struct global *g, int argc, char **argv)
{
	const char *given = NULL, *file;
	struct host h = { 0 };
	struct checked f = { .instance = g->instance, .host = &h };
	struct config_inspector inspector = { check_host, &f };
	struct config *c = NULL;
	int status, n;
	char **words = options_parse(&check_command, argc, argv, &given, &n);

	if (!words)
		return EXIT_USAGE;
	if (n > 1 || (n && given)) {
		log_error("check: %s: only one file can be checked at a time: name one", words[n - 1]);
		return EXIT_USAGE;
	}
	file = given ?: *words ?: g->config;
	if (host_read(&h))
		return EXIT_FAILED;
	if (config_read_and_inspect(file, &inspector, &c))
		return EXIT_USAGE;
	status = f.n || try_plan(c, &f) ? EXIT_HOST : EXIT_DONE;
	load_warn_realtime();
	if (status == EXIT_DONE) {
		config_warn(c);
		print_valid(file, c);
	} else {
		fprintf(stderr, "%s: valid, but this host lacks what is named above.\n", file);
	}
	return status;
}

static const struct command_option options[] = {
	CONFIG_OPTION(0),
	{ 0 },
};

const struct command check_command = {
	.name = "check",
	.summary = "check a configuration for errors, and whether this host has everything it needs",
	.usage = "[[-c] FILE]",
	.about = "Reads a configuration and prints all its errors. If it has none, prints everything that it needs and this host lacks. It changes nothing.\n"
		 "Exit status 0: there are no errors. 2: the file cannot be read or is invalid. 3: the file is valid, but this host lacks something.",
	.run = run_check,
	.options = options,
	.operand = "@file",
	.only_prints = true,
};
