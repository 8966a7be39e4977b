/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * wgxdp down: removes the whole instance: its programs, links, qdiscs, maps and pins.
 */
#include <unistd.h>
#include "daemon/tasks.h"
#include "cmd/command.h"
#include "dataplane/dataplane.h"
#include "instance/run_state.h"
#include "lib/log.h"
#include "instance/try.h"

static int run_down(const struct global *g, int argc, char **argv)
{
	struct config *c;
	int lock, rc;
	bool up, pinned;

	if (!options_parse(&down_command, argc, argv, NULL, NULL))
		return EXIT_USAGE;
	lock = run_state_lock(g->instance);
	if (lock < 0)
		return EXIT_FAILED;
	if (run_state_read(g->instance, &c))
		c = NULL;
	pinned = pins_exist(g->instance) > 0;
	up = c || pinned;
	rc = (pinned ? 0 : dataplane_check_hidden(g->instance)) ?: dataplane_down(g->instance);
	if (!rc) {
		announce_clear(announce_table(g->instance) ?: c ? c->announce.table : 0);
		run_state_remove(g->instance);
		try_end(g->instance, TRY_DOWN);
		log_info(up ? "instance %s was taken down" : "instance %s was not up", g->instance);
	}
	close(lock);
	return rc ? EXIT_FAILED : EXIT_DONE;
}

const struct command down_command = {
	.name = "down",
	.summary = "stop forwarding, and remove everything that the instance created",
	.usage = "",
	.about = "Detaches the BPF programs, and removes every map, pin and qdisc of the instance. If the instance is not up, it does nothing. If another BPF file system hides its pins, it reports an error and changes nothing.",
	.run = run_down,
};
