/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What on this host keeps a valid configuration from working now: what `up` waits for, or warns of, `check` calls an error.
 */
#pragma once
#include "config/config_check.h"
#include "plan/plan.h"

/* Tells each, where in the configuration it is named; how many. Nothing is touched. */
struct answers;
unsigned int host_check(const struct config *c, const struct host *h, const struct answers *answers, const char *instance,
			config_tell *tell, void *data);
