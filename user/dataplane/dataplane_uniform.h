/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Writes the map `uniform`, for the daemon. dataplane_sync.c has the function.
 */
#pragma once
#include "plan/uniform.h"

/* Writes the differences of a block to the map `uniform`, and sets *written if there are any. map,
 * control: fds of the maps. Until the caller calls control_forget(control, true, true), the data
 * path does not use the map, so no packet uses a half-written map. Returns 0 or -errno. */
int dataplane_uniform(int map, int control, const struct uniform *u, __u32 block, bool *written);
