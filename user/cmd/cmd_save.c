/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * wgxdp save: prints the running configuration as a file that `up` reads.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "cmd/command.h"
#include "lib/log.h"
#include "instance/running.h"
#include "instance/run_state.h"

static int run_save(const struct global *g, int argc, char **argv)
{
	struct config *c = NULL;
	int lock, rc;

	if (!options_parse(&save_command, argc, argv, NULL, NULL))
		return EXIT_USAGE;
	lock = run_state_lock(g->instance);
	if (lock < 0)
		return EXIT_FAILED;
	rc = running_read(g->instance, &c);
	close(lock);
	if (rc)
		return EXIT_FAILED;
	rc = config_save(c, stdout);
	if (rc)
		log_error("cannot write the configuration to standard output: %s", strerror(-rc));
	return rc ? EXIT_FAILED : EXIT_DONE;
}

const struct command save_command = {
	.name = "save",
	.summary = "print the running configuration",
	.usage = "",
	.about = "Prints the running configuration as a file for `up`, which then changes nothing. "
		 "The mode is the one that `up` was given.",
	.run = run_save,
};
