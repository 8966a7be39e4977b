/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * former_flows: flows in the maps of a former build, which kept them in a kernel hash. An upgrade
 * copies them.
 */
#pragma once
#include "dataplane/dataplane.h"

/* Calls `each` for every flow that an instance of a former build has; nothing if there is none. */
void former_flows(const char *instance, flow_each *each, void *data);
