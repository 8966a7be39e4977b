/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>
#include "lib/log.h"
#include "instance/follower.h"
#include "instance/running.h"
#include "instance/run_state.h"

int running_read_quietly(const char *instance, struct config **ret)
{
	struct dataplane *dp = NULL;
	int rc = dataplane_open(instance, &dp);

	if (rc)
		return rc;
	rc = dp->running ? run_state_read(instance, ret) : -ENOENT;
	if (rc == -ENOENT && dp->running) {
		log_error("instance %s: its configuration is lost: load one with `wgxdp up -c "
			  "FILE`", instance);
		rc = -ENODATA;
	}
	dataplane_close(dp);
	return rc;
}

struct config *running_control(const char *instance)
{
	struct config *c = NULL;
	__s64 since;

	if (!follower_runs(instance, &since) || run_state_read(instance, &c))
		return NULL;
	if (config_is_control(c))
		return c;
	config_free(c);
	return NULL;
}

void running_not_up(const char *instance)
{
	bool named = strcmp(instance, INSTANCE_DEFAULT) != 0;
	struct config *control = running_control(instance);

	if (control) {
		log_error("instance %s has no data path: the daemon does everything in its "
			  "configuration. To apply its file again, run `systemctl reload "
			  "wgxdp-daemon` or send SIGHUP to the daemon", instance);
		config_free(control);
		return;
	}
	log_error("instance %s is not up: start it with `wgxdp %s%s%sup`; `wgxdp instances` "
		  "lists the running instances",
		  instance, named ? "--instance " : "", named ? instance : "", named ? " " : "");
}

int running_read(const char *instance, struct config **ret)
{
	int rc = running_read_quietly(instance, ret);

	if (rc == -ENOENT)
		running_not_up(instance);
	return rc;
}

int running_open(const char *instance, struct dataplane **ret)
{
	int rc = dataplane_open(instance, ret);

	if (!rc && !(*ret)->running) {
		running_not_up(instance);
		rc = -ENOENT;
	}
	return rc;
}
