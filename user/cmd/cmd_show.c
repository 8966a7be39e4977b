/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * wgxdp show.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "cmd/command.h"
#include "dataplane/dataplane.h"
#include "lib/log.h"
#include "show/metrics.h"
#include "instance/running.h"
#include "show/show.h"
#include "show/show_flows.h"

const char show_help[] =
	"[interfaces|services|peers|routes|sites|drops|metrics] [-j|--json]\n"
	"       wgxdp show flows [--wg FILE] [-j|--json]\n\n"
	"Interfaces with role and mode, services with what they received, forwarded, dropped and passed up in each direction,\n"
	"peers likewise, with what WireGuard says of them, and the reasons for what was not forwarded. Without a noun: all of it.\n"
	"routes: prefixes and whose they are. sites: where those of the blind relay are, and what they send. metrics: what the exporter tells Prometheus.\n"
	"flows: the clients of masquerading services, where they came in, as whom the backend sees them, seconds since they came and\n"
	"since they were last heard of, and packets/bytes in each direction.\n\n"
	"  --wg FILE   what `wg show IF dump` (or `wg show all dump`) says on the backend, - is standard input: the peer of each\n"
	"  -j, --json  for programs\n";

struct arguments {
	unsigned int what;
	bool json;
	const char *wg;			/* file with wg-end's dump; NULL: none said */
};

enum { OPT_WG = 256 };

static int check_words(const struct arguments *a)
{
	if (a->what & SHOW_METRICS && (a->what != SHOW_METRICS || a->json)) {
		log_error("show: metrics are shown by themselves, and not as JSON");
		return -EINVAL;
	}
	if (a->what & SHOW_FLOWS && a->what != SHOW_FLOWS) {
		log_error("show: flows are shown by themselves");
		return -EINVAL;
	}
	if (a->wg && a->what != SHOW_FLOWS) {
		log_error("show: --wg is for flows: `wgxdp show flows --wg %s`", a->wg);
		return -EINVAL;
	}
	return 0;
}

static int parse(int argc, char **argv, struct arguments *a)
{
	static const struct option options[] = { { "json", no_argument, NULL, 'j' }, { "wg", required_argument, NULL, OPT_WG }, { 0 } };
	int option;

	opterr = 0;
	while ((option = getopt_long(argc, argv, ":j", options, NULL)) != -1) {
		if (option == 'j') {
			a->json = true;
		} else if (option == OPT_WG) {
			a->wg = optarg;
		} else {
			option_error("show", option, argv);
			return -EINVAL;
		}
	}
	for (; optind < argc; optind++) {
		unsigned int noun = show_noun(argv[optind]);

		a->what |= noun;
		if (!noun) {
			log_error("show: %s: interfaces, services, peers, routes, sites, flows, drops or metrics is wanted", argv[optind]);
			return -EINVAL;
		}
	}
	if (check_words(a))
		return -EINVAL;
	if (!a->what)
		a->what = a->json ? SHOW_DOCUMENT : SHOW_ALL;
	return 0;
}

static int show(const struct dataplane *dp, const struct arguments *a, const struct wg_dump *dump)
{
	int rc;

	if (a->what == SHOW_FLOWS)
		return show_flows(dp, a->json, a->wg ? dump : NULL, stdout);
	rc = show_write(dp, a->what, a->json, stdout);
	if (rc)
		log_error("cannot read the maps of instance %s: %s", dp->instance, strerror(-rc));
	return rc;
}

int cmd_show(const struct global *g, int argc, char **argv)
{
	struct dataplane *dp = NULL;
	struct arguments a = { 0 };
	struct wg_dump dump = { 0 };
	int rc;

	if (parse(argc, argv, &a) || (a.wg && wg_dump_read(a.wg, &dump)))
		return EXIT_USAGE;
	if (a.what == SHOW_METRICS)
		return metrics_write(stdout, g->instance) ? EXIT_FAILED : EXIT_DONE;
	rc = dataplane_open(g->instance, &dp);
	if (!rc && !dp->running) {
		running_not_up(g->instance);
		rc = -ENOENT;
	}
	if (!rc)
		rc = show(dp, &a, &dump);
	dataplane_close(dp);
	wg_dump_free(&dump);
	return rc ? EXIT_FAILED : EXIT_DONE;
}
