/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * wgxdp save: what runs, as a file that `up` reads.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "cmd/command.h"
#include "lib/log.h"
#include "instance/running.h"
#include "instance/state.h"

const char save_help[] =
	"\n\n"
	"Writes what runs to standard output, as a configuration: `up` reads it, and changes nothing then. Services that were made by\n"
	"hand are marked as such, and the mode is there that `up` was told.\n";

int cmd_save(const struct global *g, int argc, char **argv)
{
	struct config *c = NULL;
	int lock, rc;

	if (argc > 1) {
		log_error("save: %s: takes no argument", argv[1]);
		return EXIT_USAGE;
	}
	lock = state_lock(g->instance);
	if (lock < 0)
		return EXIT_FAILED;
	rc = running_read(g->instance, &c);
	close(lock);
	if (!rc) {
		rc = config_save(c, stdout);
		if (rc)
			log_error("cannot write the configuration to standard output: %s", strerror(-rc));
	}
	config_free(c);
	return rc ? EXIT_FAILED : EXIT_DONE;
}
