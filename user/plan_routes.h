/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What plan_relay.c and plan_routes.c share.
 */
#pragma once
#include "plan_make.h"

/* The prefixes of plan.relay.routes, in no order and some perhaps twice, become what the maps hold. 0 or -errno. */
int plan_routes(struct making *m);
