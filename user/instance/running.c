/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The running configuration, wherever it is found.
 */
#include <errno.h>
#include <string.h>
#include "lib/log.h"
#include "instance/running.h"
#include "instance/state.h"

static int from_maps(const struct dataplane *dp, struct config **ret)
{
	struct host h = { 0 };
	int rc;

	log_warning("instance %s: " STATE_DIR "/%s/running.yaml is lost: rebuilt from the maps, names as addresses", dp->instance,
		    dp->instance);
	if (dp->elsewhere) {
		log_error("instance %s runs in another network namespace: its interfaces are not named here", dp->instance);
		return -EBUSY;
	}
	rc = host_read(&h) ?: config_rebuild(dp, &h, ret);
	host_free(&h);
	return rc;
}

int running_read_quietly(const char *instance, struct config **ret)
{
	struct dataplane *dp = NULL;
	int rc = dataplane_open(instance, &dp);

	if (rc)
		return rc;
	if (!dp->running)
		rc = -ENOENT;
	else if (state_read(instance, ret))
		rc = from_maps(dp, ret);
	dataplane_close(dp);
	return rc;
}

void running_not_up(const char *instance)
{
	bool named = strcmp(instance, INSTANCE_DEFAULT) != 0;

	log_error("instance %s is not up: `wgxdp %s%s%sup` starts it, `ls " PINS_DIR "` names those that are", instance,
		  named ? "--instance " : "", named ? instance : "", named ? " " : "");
}

int running_read(const char *instance, struct config **ret)
{
	int rc = running_read_quietly(instance, ret);

	if (rc == -ENOENT)
		running_not_up(instance);
	return rc;
}
