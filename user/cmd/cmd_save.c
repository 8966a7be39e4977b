/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * wgxdp save: prints the running configuration as a file that `up` reads.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "cmd/command.h"
#include "config/config_diff.h"
#include "instance/source.h"
#include "lib/log.h"
#include "lib/yaml.h"
#include "instance/run_state.h"

/* Writes the configuration into the text of its file, if it has one. Returns 0 or -errno. */
static int print_saved(const char *instance, const struct config *c)
{
	enum source_state state;
	char file[PATH_MAX], *text = NULL, *merged = NULL;
	size_t n;

	state = source_read(instance, c, file, NULL);
	if (state != SOURCE_NONE && state != SOURCE_INVALID && state != SOURCE_GONE &&
	    !yaml_read(file, &text, &n)) {
		merged = config_merge(text, c);
		if (!merged)
			log_warning("the comments of %s are missing here: its form is one that `wgxdp save` cannot change",
				    file);
	}
	return !merged ? config_save(c, stdout) :
	       fputs(merged, stdout) < 0 || fflush(stdout) ? -errno : 0;
}

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
	rc = print_saved(g->instance, c);
	if (rc)
		log_error("cannot write the configuration to standard output: %s", strerror(-rc));
	return rc ? EXIT_FAILED : EXIT_DONE;
}

const struct command save_command = {
	.name = "save",
	.summary = "print the running configuration",
	.usage = "",
	.about = "Prints the running configuration as a file for `up`, which then changes nothing. It has the comments and the order of the file that was applied, and changes only what commands changed. The mode is the one that `up` was given.",
	.run = run_save,
};
