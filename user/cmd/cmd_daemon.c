/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * wgxdp daemon: brings the instance up and keeps it up.
 */
#include <stdlib.h>
#include <string.h>
#include "cmd/command.h"
#include "config/config.h"
#include "daemon/daemon.h"

static int run_daemon(const struct global *g, int argc, char **argv)
{
	const char *given = NULL, *file;
	char *path;
	int status;

	if (!options_parse(&daemon_command, argc, argv, &given, NULL))
		return EXIT_USAGE;
	file = given ?: CONFIG_DEFAULT;
	path = realpath(file, NULL);
	if (!path && !given && pins_exist(g->instance) > 0)
		file = NULL;
	status = daemon_run(g->instance, path ?: file);
	free(path);
	return status;
}

static int parse_file(void *member, const struct command_option *o, char *value)
{
	*(const char **)member = value;
	return strcmp(value, "-") ? 0 :
	       option_wrong(o, value, "name a file: the daemon reads it again later");
}

static const struct command_option options[] = {
	{ 'c', "config", "FILE", 0,
	  "the configuration (default: " CONFIG_DEFAULT "). Without that file the daemon follows "
	  "what runs.", .parse = parse_file, .values = "@file" },
	{ 0 },
};

const struct command daemon_command = {
	.name = "daemon",
	.summary = "up, and then follow what the kernel and other commands change",
	.usage = "[-c FILE]",
	.about = "Does what `up` does, and then follows changes: interfaces, their addresses, "
		 "routes, and commands such as `wgxdp up`. A daemon that is started again keeps "
		 "what runs, unless FILE has changed since. Forwarding does not depend on the "
		 "daemon: it may end, crash and be upgraded at any time. `down` ends it; on "
		 "SIGHUP it reads FILE again.",
	.run = run_daemon,
	.options = options,
};
