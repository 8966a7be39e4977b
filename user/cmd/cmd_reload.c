/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * wgxdp reload: makes the running configuration match the file, and prints the differences.
 */
#include <stdio.h>
#include "instance/apply.h"
#include "cmd/command.h"
#include "config/config_diff.h"
#include "lib/file.h"
#include "lib/log.h"
#include "instance/source.h"
#include "instance/run_state.h"
#include "instance/try.h"

struct arguments {
	const char *file;
	bool dry;
	unsigned long try_seconds;	/* seconds of --try; 0: no trial */
};

static void print_differences(const struct config *old, const struct config *new, bool dry)
{
	if (!config_changes(old, new, stdout))
		puts("the configuration is the same");
	fflush(stdout);
	undone_report(old, new, !dry);
}

/* Applies the file's configuration and publishes it. The caller holds the lock. */
static int apply_file(const char *instance, const struct arguments *a, const struct config *new,
		      int lock, struct try **ret_trial)
{
	int rc = a->try_seconds ? try_begin(instance, a->try_seconds, lock, ret_trial) : 0;

	if (rc)
		return rc;
	rc = apply(instance, new);
	if (rc) {
		run_state_set_failed(instance);
		return rc;
	}
	run_state_clear_failed(instance);
	if (*ret_trial)
		try_applied(*ret_trial);
	else
		try_end(instance, TRY_REPLACED);
	return 0;
}

/* Applies the new configuration, and prints the differences after releasing the lock: a pager that
 * waits for its user would otherwise block all other commands and the daemon. */
static int reload(const char *instance, const struct arguments *a, struct config *new)
{
	struct config *old = NULL;
	struct try *trial = NULL;
	int lock = run_state_lock(instance), rc = lock < 0 ? lock : running_read(instance, &old);

	if (!rc && new->mode == MODE_AUTO)
		new->mode = old->mode;
	if (!rc && !a->dry)
		rc = apply_file(instance, a, new, lock, &trial);
	fd_close(lock);
	if (old && (a->dry || !rc))
		print_differences(old, new, a->dry);
	if (trial && rc)
		try_abandon(trial);
	return trial && !rc ? try_wait(trial) : rc;
}

static int run_reload(const struct global *g, int argc, char **argv)
{
	struct arguments a = { .file = g->config };
	struct config *new = NULL;
	long long time;
	int rc;

	if (!options_parse(&reload_command, argc, argv, &a, NULL))
		return EXIT_USAGE;
	if (a.dry && a.try_seconds) {
		log_error("reload: --try cannot be used together with --dry-run, which changes nothing: leave out one or the other");
		return EXIT_USAGE;
	}
	rc = pins_exist(g->instance);
	if (rc <= 0) {
		if (!rc)
			running_not_up(g->instance);
		return EXIT_FAILED;
	}
	time = source_time(a.file);
	rc = config_read(a.file, &new);
	if (rc && !a.dry)
		run_state_set_failed(g->instance);
	/* read before taking the lock: standard input may be another command's output */
	if (rc)
		return EXIT_USAGE;
	rc = reload(g->instance, &a, new);
	if (!rc && !a.dry)
		source_note(g->instance, a.file, time);
	return rc ? EXIT_FAILED : EXIT_DONE;
}

static const struct command_option options[] = {
	CONFIG_OPTION(offsetof(struct arguments, file)),
	{ 0, "dry-run", NULL, offsetof(struct arguments, dry),
		"only print the differences, and change nothing" },
	TRY_OPTION(offsetof(struct arguments, try_seconds)),
	{ 0 },
};

const struct command reload_command = {
	.name = "reload",
	.summary = "apply the configuration file again, and print the differences",
	.usage = "[-c FILE] [--dry-run | --try SECONDS]",
	.about = "Applies the configuration file to the running instance, as `up` does, and prints the differences. It names each change by a command that it undoes. It fails if the instance is not up.",
	.run = run_reload,
	.options = options,
};
