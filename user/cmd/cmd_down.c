/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * wgxdp down: nothing of the instance remains: no program, link, qdisc, map or pin.
 */
#include <unistd.h>
#include "daemon/announce.h"
#include "cmd/command.h"
#include "dataplane/dataplane.h"
#include "lib/log.h"
#include "instance/state.h"
#include "instance/try.h"

const char down_help[] =
	"\n\n"
	"Detaches the data path and removes every map, pin and qdisc of the instance. Nothing up: nothing to do.\n";

int cmd_down(const struct global *g, int argc, char **argv)
{
	struct config *c;
	int lock, rc;

	if (argc > 1) {
		log_error("down: %s: takes no argument", argv[1]);
		return EXIT_USAGE;
	}
	lock = state_lock(g->instance);
	if (lock < 0)
		return EXIT_FAILED;
	if (state_read(g->instance, &c))
		c = NULL;
	rc = dataplane_down(g->instance);
	if (!rc) {
		announce_clear(c ? c->announce.table : 0);
		state_remove(g->instance);
		try_keep(g->instance);
	}
	config_free(c);
	close(lock);
	return rc ? EXIT_FAILED : EXIT_DONE;
}
