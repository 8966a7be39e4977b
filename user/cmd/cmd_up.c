/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * wgxdp up: brings an instance up from a file, or from a firewall described in one line. It brings
 * up everything or nothing.
 */
#include <errno.h>
#include "instance/apply.h"
#include "cmd/command.h"
#include "config/config_diff.h"
#include "dataplane/control.h"
#include "dataplane/load_error.h"
#include "lib/file.h"
#include "lib/log.h"
#include "instance/source.h"
#include "instance/run_state.h"
#include "net/host.h"
#include "instance/try.h"

struct arguments {
	const char *file;		/* configuration file; NULL: not given */
	int mode;			/* enum mode of --mode; -1: not given */
	int express;			/* enum express_use of --express; -1: not given */
	struct quick_service line;		/* service from --wan, --to … */
	unsigned long try_seconds;	/* seconds of --try; 0: no trial */
	bool is_line;			/* --wan and --to are given, and no file */
	bool replace;			/* may undo changes by commands, or replace a file's */
	bool keep;
};

static int parse(struct arguments *a, int argc, char **argv)
{
	if (!options_parse(&up_command, argc, argv, a, NULL))
		return -EINVAL;
	if (a->keep && argc > 2) {
		log_error("up: --keep cannot be used together with other options: leave them out");
		return -EINVAL;
	}
	if (a->line.config && a->file) {
		log_error("up: -c FILE cannot be used together with --wan and --to: leave out one or the other");
		return -EINVAL;
	}
	return a->line.config ? quick_service_finish(&a->line, "up") : 0;
}

/* Refuses interfaces that do not exist, because the user can correct the command. A file may name
 * interfaces that appear later. */
static int check_interfaces(const struct config *c)
{
	char there[HOST_NAMES_LEN];

	for (size_t i = 0; i < c->n_interfaces; i++) {
		const struct interface_config *is = &c->interfaces[i];

		if (if_nametoindex(is->name))
			continue;
		log_error("up: --%s %s: this host has no such interface: name one of %s. An interface that appears later needs a file (-c)",
			  role_names[is->role], is->name, host_names_now(is->name, there));
		return -ENODEV;
	}
	return 0;
}

static int keep_trial(const char *instance)
{
	int lock = run_state_lock(instance);
	bool kept = lock >= 0 && try_end(instance, TRY_KEPT);

	fd_close(lock);
	if (lock >= 0 && !kept)
		log_error("instance %s: there is no change to keep, because none is on trial", instance);
	else if (kept)
		puts("kept");
	return kept ? EXIT_DONE : EXIT_FAILED;
}

/* At a terminal, refuses to undo changes by commands, because the user may not know of them. A
 * script cannot be asked, so it is not refused. */
static int check_handmade(const struct arguments *a, const struct config *before)
{
	if (a->replace || !isatty(STDERR_FILENO) || !undone_report(before, a->line.config, false))
		return 0;
	log_error("up: nothing was changed, because this would undo changes by commands: to undo them, add --replace. `wgxdp save` prints the running configuration");
	return -EPERM;
}

/* Refuses to replace the configuration of a file by that of --wan and --to: who types these options
 * on a host that runs already, wants a service more. */
static int check_file(const char *instance, const struct arguments *a, const struct config *before)
{
	char file[PATH_MAX];

	if (a->replace || !a->is_line || !before ||
	    source_read(instance, before, file, NULL) == SOURCE_NONE)
		return 0;
	log_error("up: nothing was changed, because the configuration of %s runs: add --replace to replace it, or add a service with `wgxdp service add`",
		  file);
	return -EPERM;
}

static void print_changes(const struct arguments *a, const struct config *before)
{
	if (before)
		config_changes(before, a->line.config, stdout);
	undone_report(before, a->line.config, true);
	load_warn_realtime();
}

/* Applies the configuration under the lock. Prints the changes, and with --try waits for the end of
 * the trial, without the lock: a pager that waits for its user would otherwise block the daemon. */
static int bring_up(const char *instance, const struct arguments *a)
{
	struct config *before = NULL;
	struct try *t = NULL;
	int lock = run_state_lock(instance), rc = lock < 0 ? lock : 0;

	/* Without its text, the running configuration cannot be compared. */
	if (!rc && config_text_id(instance) && run_state_read(instance, &before))
		before = NULL;
	if (!rc)
		rc = check_file(instance, a, before) ?: check_handmade(a, before);
	if (!rc && a->try_seconds)
		rc = try_begin(instance, a->try_seconds, lock, &t);
	if (!rc)
		rc = apply(instance, a->line.config);
	if (!rc)
		run_state_clear_failed(instance);
	if (!rc && t)
		try_applied(t);
	else if (!rc)
		try_end(instance, TRY_REPLACED);
	fd_close(lock);
	if (!rc)
		print_changes(a, before);
	if (!t)
		return rc;
	if (!rc)
		return try_wait(t);
	try_abandon(t);
	return rc;
}

static int run_up(const struct global *g, int argc, char **argv)
{
	struct arguments a = { .mode = -1, .express = -1 };
	int rc = parse(&a, argc, argv);
	const char *file = a.line.config ? NULL : a.file ?: g->config;
	long long time = source_time(file);

	if (!rc && a.keep)
		return keep_trial(g->instance);
	if (!rc && file) {
		rc = !a.file && access(file, F_OK) ? -ENOENT : config_read(file, &a.line.config);
		if (rc == -ENOENT && !a.file)
			log_error("up: the file %s does not exist: write it, name another with -c FILE, or give --wan IF and --to ADDRESS",
				  file);
	}
	if (rc)
		return EXIT_USAGE;
	a.is_line = !file;
	if (!file && check_interfaces(a.line.config))
		return EXIT_FAILED;
	config_warn(a.line.config);
	if (a.mode >= 0)
		a.line.config->mode = a.mode;
	if (a.express >= 0)
		a.line.config->express = a.express;
	if (bring_up(g->instance, &a))
		return EXIT_FAILED;
	source_note(g->instance, file, time);
	return EXIT_DONE;
}

static const struct command_option options[] = {
	CONFIG_OPTION(offsetof(struct arguments, file)),
	QUICK_SERVICE_OPTIONS(offsetof(struct arguments, line)),
	{ 0, "mode", "MODE", offsetof(struct arguments, mode),
	  "auto (default): native XDP if the driver has it, else generic XDP, else tc; or only native, generic or tc",
	  parse_choice, .values = "auto native generic tc" },
	{ 0, "express", "USE", offsetof(struct arguments, express),
	  "on (default): XDP reuses its decision about the last similar packet; off: XDP decides about each packet separately",
	  parse_choice, .values = "on off" },
	TRY_OPTION(offsetof(struct arguments, try_seconds)),
	{ 0, "keep", NULL, offsetof(struct arguments, keep),
	  "keep the change that `--try` applied, and change nothing else" },
	{ 0, "replace", NULL, offsetof(struct arguments, replace),
	  "undo changes by commands (needed at a terminal), or let --wan and --to replace the configuration of a file" },
	{ 0 },
};

const struct command up_command = {
	.name = "up",
	.heading = " Run:\n",
	.summary = "start forwarding, or apply a changed configuration",
	.usage = "[-c FILE] [--mode MODE] [--express USE] [--try SECONDS] [--replace]\n"
		 "--keep\n"
		 "--wan IF [--wan IF]... --to BACKEND[,BACKEND][:PORT] [--lan IF]... [--port PORTS] [--nat dnat|none|masquerade] [--mode MODE] [--express USE] [--try SECONDS] [--replace]",
	.about = "Loads the BPF programs, attaches them to the interfaces, and fills their maps. If they run already, `up` applies only the differences and prints them. It applies everything or nothing. It undoes changes by `service`, `peer` and `route` that the configuration does not have; at a terminal, only with --replace.",
	.run = run_up,
	.options = options,
};
