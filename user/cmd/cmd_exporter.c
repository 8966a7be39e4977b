/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * wgxdp exporter: serves the metrics, the status page and the API.
 */
#include <string.h>
#include "cmd/command.h"
#include "exporter/exporter.h"

static int run_exporter(const struct global *g, int argc, char **argv)
{
	char *title = program_invocation_name, *end = title;

	if (!options_parse(&exporter_command, argc, argv, NULL, NULL))
		return EXIT_USAGE;
	/* The kernel has put all arguments behind each other. */
	for (int i = 0; i < argc; i++)
		if (argv[i] + strlen(argv[i]) > end)
			end = argv[i] + strlen(argv[i]);
	return exporter_run(g->instance, title, end - title);
}

const struct command exporter_command = {
	.name = "exporter",
	.summary = "serve metrics, the status page and the API; the daemon runs this",
	.about = "Serves metrics, the status page and the API at the addresses of the section exporter of the running configuration. The daemon starts this command itself, and starts it again when it ends. The process may read BPF maps and files, and change nothing. It ends on SIGTERM, SIGINT and SIGHUP, and when the section changes.",
	.run = run_exporter,
};
