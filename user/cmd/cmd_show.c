/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * wgxdp show: prints interfaces, services, peers, flows and counters of the running instance.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "cmd/command.h"
#include "dataplane/dataplane.h"
#include "lib/log.h"
#include "instance/run_state.h"
#include "show/show.h"

struct arguments {
	unsigned int what;
	bool json;
	/* File with the output of `wg show dump` on the backend; NULL: not given. */
	const char *wg;
};

static int check_words(const struct arguments *a)
{
	if (a->what & SHOW_METRICS && (a->what != SHOW_METRICS || a->json)) {
		log_error("show metrics: this takes no other words and no --json: leave them out");
		return -EINVAL;
	}
	if (a->what & SHOW_FLOWS && a->what != SHOW_FLOWS) {
		log_error("show flows: this takes no other words: leave them out");
		return -EINVAL;
	}
	if (a->wg && a->what != SHOW_FLOWS) {
		log_error("show: --wg works only with flows: write `wgxdp show flows --wg %s`", a->wg);
		return -EINVAL;
	}
	return 0;
}

static int parse(int argc, char **argv, struct arguments *a)
{
	char **word = options_parse(&show_command, argc, argv, a, NULL);

	for (; word && *word; word++) {
		unsigned int noun = show_noun(*word);

		a->what |= noun;
		if (!noun) {
			command_word(&show_command, word);
			return -EINVAL;
		}
	}
	if (!word || check_words(a))
		return -EINVAL;
	if (!a->what)
		a->what = a->json ? SHOW_DOCUMENT : SHOW_ALL;
	return 0;
}

static int write_all(const struct dataplane *dp, const struct arguments *a,
		     const struct wg_dump *dump)
{
	int rc;

	if (a->what == SHOW_FLOWS)
		return show_flows(dp, a->json, a->wg ? dump : NULL, stdout);
	rc = show_write(dp, a->what, a->json, stdout);
	if (rc)
		log_error("cannot read the maps of instance %s: %s", dp->instance, strerror(-rc));
	return rc;
}

static int run_show(const struct global *g, int argc, char **argv)
{
	struct dataplane *dp = NULL;
	struct arguments a = { 0 };
	struct wg_dump dump = { 0 };
	struct config *control = NULL;
	int rc;

	if (parse(argc, argv, &a) || (a.wg && wg_dump_read(a.wg, &dump)))
		return EXIT_USAGE;
	if (a.what == SHOW_METRICS)
		return metrics_write(stdout, g->instance) ? EXIT_FAILED : EXIT_DONE;
	rc = dataplane_open(g->instance, &dp);
	if (!rc && !dp->running && a.what != SHOW_FLOWS)
		control = running_control(g->instance);
	if (control) {
		show_control(g->instance, control, a.what, a.json, stdout);
	} else if (!rc && !dp->running) {
		running_not_up(g->instance);
		rc = -ENOENT;
	}
	if (!rc && !control)
		rc = write_all(dp, &a, &dump);
	return rc ? EXIT_FAILED : EXIT_DONE;
}

static const struct command_option options[] = {
	{ 0, "wg", "FILE", offsetof(struct arguments, wg),
	  "print the WireGuard peer of each flow: FILE has the output of `wg show IF dump` or `wg show all dump` on the backend (-: standard input)",
	  .values = "@file" },
	JSON_OPTION(offsetof(struct arguments, json)),
	{ 0 },
};

static const struct command_word words[] = {
	{ "interfaces" }, { "services" }, { "peers" }, { "routes" }, { "sites" }, { "flows" },
	{ "lists" }, { "drops" }, { "metrics" }, { 0 },
};

const struct command show_command = {
	.name = "show",
	.heading = " Look:\n",
	.summary = "print interfaces, services, peers, flows and counters",
	.usage = "[interfaces|services|peers|routes|sites|drops|metrics] [-j|--json]\n"
		 "flows [--wg FILE] [-j|--json]",
	.about = "Without a word, it prints interfaces, services, peers and drops.\n"
		 "`interfaces`: their roles and modes. `services` and `peers`: the packets received, forwarded, dropped and passed up to the kernel in each direction, and WireGuard's state of the peers. `drops`: why packets were not forwarded. `routes`: prefixes and the peers that have them. `sites`: the sites of the blind relay, where they are and what they send. `metrics`: the text that the exporter serves to Prometheus. `flows`: the clients of services with nat: masquerade. Each line has where the client's packets arrive, how the backend sees them, age and idle time in seconds, and packets/bytes in each direction.",
	.run = run_show,
	.options = options,
	.words = words,
	.only_prints = true,
};
