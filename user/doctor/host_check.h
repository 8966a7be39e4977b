/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What on this host keeps a valid configuration from working now, for `check`: it calls an error
 * what `up` waits for or warns of.
 */
#pragma once
#include "config/config_check.h"
#include "plan/plan.h"

struct answers;

/* Reports each fault at its place in the configuration, and returns how many. Changes nothing. */
unsigned int host_check(const struct config *c, const struct host *h, const struct answers *answers,
			const char *instance, config_tell *tell, void *data);
