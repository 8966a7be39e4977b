/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A shadow is a second copy of a running instance's programs. It uses the instance's maps that
 * packets only read, and copies of the maps that packets write. So test runs in it
 * (BPF_PROG_TEST_RUN) do not change the instance. `trace` uses it.
 */
#pragma once
#include "dataplane/dataplane.h"

/* Makes a shadow: copies of the running programs and maps, to run single packets through. Nothing
 * is sent, not even copies of a packet. It begins with counters at 0 and no next hops, and never
 * has wgxdp_tc_l3. dataplane_close() closes it. Returns 0, or -errno after printing an error. */
int dataplane_shadow(const struct dataplane *dp, struct dataplane **ret);
/* Clears the shadow's counters and next hops, as before its first packet. Returns 0 or -errno. */
int dataplane_shadow_clear(struct dataplane *shadow);
/* Returns the first slot of the map nexthops that belongs to no listener: it is for uniform
 * prefixes. */
__u32 dataplane_shadow_slots(const struct dataplane *shadow);
