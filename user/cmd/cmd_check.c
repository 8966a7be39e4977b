/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * wgxdp check: what is wrong with a configuration, and what on this host would keep it from working now. Nothing is touched.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "plan/answers.h"
#include "cmd/command.h"
#include "config/config_check.h"
#include "plan/headroom.h"
#include "doctor/host_check.h"
#include "lib/log.h"
#include "plan/plan.h"
#include "instance/resolver.h"

const char check_help[] =
	"[-c FILE]\n\n"
	"Reads a configuration and tells all that is wrong with it, and whether this host has what it names. Nothing is touched.\n"
	"Exit status: 0 nothing is wrong; 2 the file cannot be read or is invalid; 3 it is valid, but this host lacks something.\n\n"
	"  -c, --config FILE  default " CONFIG_DEFAULT "; - is standard input\n";

struct findings {
	const char *instance;
	const struct host *host;
	struct answers answers;
	unsigned int n;
};

static void look(void *data, const struct config *c, config_tell *tell, void *to)
{
	struct findings *f = data;

	answers_read(f->instance, &f->answers);
	answers_for(&f->answers, c);
	resolver_once(&f->answers, false, RESOLVE_MS);
	answers_follow_prefixes(&f->answers, f->host);
	f->n = host_check(c, f->host, &f->answers, f->instance, tell, to);
}

/* What only the plan as a whole can tell: it says so itself. What goes, but by tc alone, is nothing that is wrong. */
static int try_plan(const struct config *c, struct findings *f)
{
	struct plan_input in = { .config = c, .host = f->host, .answers = &f->answers };
	struct plan *p = NULL;
	int rc = plan_make(&in, &p);

	if (rc == -ENOMEM)
		log_error("check: %s", strerror(ENOMEM));
	for (size_t i = 0; !rc && i < p->n_nics; i++)
		if (p->nics[i].mode == MODE_AUTO || p->nics[i].mode == MODE_NATIVE)
			headroom_warn(p, f->host, &p->nics[i]);
	plan_free(p);
	return rc;
}

static int parse(int argc, char **argv, const char **ret_file)
{
	static const struct option options[] = { { "config", required_argument, NULL, 'c' }, { 0 } };
	int option;

	opterr = 0;
	while ((option = getopt_long(argc, argv, ":c:", options, NULL)) != -1) {
		if (option != 'c') {
			option_error("check", option, argv);
			return -EINVAL;
		}
		*ret_file = optarg;
	}
	if (optind == argc)
		return 0;
	log_error("check: %s: not an option; a file is named by -c", argv[optind]);
	return -EINVAL;
}

int cmd_check(const struct global *g, int argc, char **argv)
{
	const char *file = CONFIG_DEFAULT;
	struct host h = { 0 };
	struct findings f = { .instance = g->instance, .host = &h };
	struct config_look looker = { look, &f };
	struct config *c = NULL;
	int status = EXIT_USAGE, planned = 0;

	if (parse(argc, argv, &file))
		return EXIT_USAGE;
	if (host_read(&h))
		return EXIT_FAILED;
	if (config_read_and_look(file, &looker, &c))
		goto cleanup;
	if (!f.n)
		planned = try_plan(c, &f);
	status = planned == -ENOMEM ? EXIT_FAILED : f.n || planned ? EXIT_HOST : EXIT_DONE;
	if (status == EXIT_DONE)
		printf("%s: valid, %zu service%s; this host has what it names\n", file, c->n_services, c->n_services == 1 ? "" : "s");
cleanup:
	answers_free(&f.answers);
	config_free(c);
	host_free(&h);
	return status;
}
