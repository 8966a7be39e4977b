/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Reads the flows of a former build, which stored them in a kernel hash. dataplane_carry_flows()
 * copies them during an upgrade.
 */
#pragma once
#include "dataplane/dataplane.h"

/* Calls each() for every flow in the maps of a former build, if the instance has such maps. */
void former_flows(const char *instance, flow_each *each, void *data);
