/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * wgxdp daemon: brings the instance up and keeps it up.
 */
#include <string.h>
#include <unistd.h>
#include "cmd/command.h"
#include "config/config.h"
#include "daemon/daemon.h"
#include "lib/file.h"

static int run_daemon(const struct global *g, int argc, char **argv)
{
	const char *given = NULL, *file;
	char path[PATH_MAX];

	if (!options_parse(&daemon_command, argc, argv, &given, NULL))
		return EXIT_USAGE;
	file = given ?: g->config;
	if (!access(file, F_OK) && !file_absolute(file, path))
		return daemon_run(g->instance, path);
	return daemon_run(g->instance, given || pins_exist(g->instance) <= 0 ? file : NULL);
}

static int parse_file(void *member, const struct command_option *o, char *value)
{
	*(const char **)member = value;
	return strcmp(value, "-") ? 0 :
	       option_wrong(o, value, "write the name of a file: the daemon cannot read standard input again");
}

static const struct command_option options[] = {
	{ 'c', "config", "FILE", 0,
	  "the configuration file (default: " CONFIG_DEFAULTS
		"). Without one, the daemon follows the running configuration.",
		.parse = parse_file, .values = "@file" },
	{ 0 },
};

const struct command daemon_command = {
	.name = "daemon",
	.summary = "do what `up` does, then keep it up to date when interfaces, addresses and routes change",
	.usage = "[-c FILE]",
	.about = "Does what `up` does, and then follows changes of interfaces, addresses and routes, and commands such as `wgxdp up`. A daemon that is started again keeps the running configuration, unless FILE has changed since. Forwarding does not depend on the daemon: you may stop and upgrade it at any time. `down` stops it. On SIGHUP it reads FILE again.",
	.run = run_daemon,
	.options = options,
};
