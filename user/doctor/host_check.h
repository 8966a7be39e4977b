/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Finds the reasons on this host why a valid configuration cannot work now. `check` and doctor
 * report them as errors; `up` waits, or warns.
 */
#pragma once
#include "config/config_check.h"
#include "net/wireguard.h"
#include "plan/plan.h"

struct resolved_backends;

/* Reports each error of the configuration on this host, at its place in the file. Returns the
 * number of errors. It changes nothing. */
unsigned int host_check(const struct config *c, const struct host *h,
			const struct resolved_backends *answers, const char *instance,
			config_tell *tell, void *data);
/* Returns whether a peer of the blind relay's device has this name, which comes from `peers`, else
 * from wg-quick's file, else from its key. ret_names: all names. ret_other (or NULL): name of the
 * only peer that is not in blind.sites; "": none, or several. */
bool host_has_site(const struct config *c, const struct wg_device *d, const char *name,
		   char ret_names[256], char ret_other[NAME_LEN]);
