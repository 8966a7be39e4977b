/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A shadow is a second copy of a running instance's programs. It uses the instance's maps that
 * packets only read, and copies of the maps that packets write. So test runs in it
 * (BPF_PROG_TEST_RUN) do not change the instance. `trace` uses it.
 */
#pragma once
#include "dataplane/dataplane.h"

/* Makes a shadow of a running instance. Use its maps and programs like those of an instance;
 * wgxdp_tc_l3 is never there. It sends nothing: where a program would send a copy of its packet, it
 * continues as if it had. Its counters begin at 0, and it has no next hops. Returns 0, or -errno
 * after printing an error. dataplane_close() closes it. */
int dataplane_shadow(const struct dataplane *dp, struct dataplane **ret);
/* Clears counters and next hops. Returns 0 or -errno. */
int dataplane_shadow_clear(struct dataplane *shadow);
/* Finds the slots of the map nexthops that belong to no listener: the first slot for uniform
 * prefixes, and the first slot for the clocks of gateways behind them. */
void dataplane_shadow_slots(const struct dataplane *shadow, __u32 *ret_uniform,
			    __u32 *ret_gateways);
