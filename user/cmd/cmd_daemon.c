/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * wgxdp daemon: up, and then kept up.
 */
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "cmd/command.h"
#include "config/config.h"
#include "daemon/daemon.h"
#include "lib/log.h"

const char daemon_help[] =
	"[-c FILE]\n\n"
	"Does `up`, and then follows what changes: interfaces, their addresses, routes, and commands like `wgxdp up`. A daemon\n"
	"that comes back goes on with what runs, unless FILE has changed since. Forwarding does not depend on it: it may end,\n"
	"crash and be upgraded at any time. `down` ends it; SIGHUP reads FILE again.\n\n"
	"  -c, --config FILE  default " CONFIG_DEFAULT "; without that file, what runs is followed\n";

static int parse(int argc, char **argv, const char **ret_file)
{
	static const struct option options[] = { { "config", required_argument, NULL, 'c' }, { 0 } };
	int option;

	opterr = 0;
	while ((option = getopt_long(argc, argv, ":c:", options, NULL)) != -1) {
		if (option != 'c') {
			option_error("daemon", option, argv);
			return -1;
		}
		*ret_file = optarg;
	}
	if (optind < argc)
		log_error("daemon: %s: not an option; a file is named by -c", argv[optind]);
	else if (*ret_file && !strcmp(*ret_file, "-"))
		log_error("daemon: -c -: a file is wanted, for it is read again");
	else
		return 0;
	return -1;
}

int cmd_daemon(const struct global *g, int argc, char **argv)
{
	const char *said = NULL, *file;
	char *path;
	int status;

	if (parse(argc, argv, &said))
		return EXIT_USAGE;
	file = said ?: CONFIG_DEFAULT;
	path = realpath(file, NULL);
	if (!path && !said && pins_exist(g->instance) > 0)
		file = NULL;
	status = daemon_run(g->instance, path ?: file);
	free(path);
	return status;
}
