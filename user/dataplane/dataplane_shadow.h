/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * dataplane: a shadow of what runs: the same programs loaded once more, with the running maps that
 * packets only read and copies of those that they write. Test runs in it (BPF_PROG_TEST_RUN) leave
 * the instance as it is. `trace` uses it.
 */
#pragma once
#include "dataplane/dataplane.h"

/* Makes a shadow of a running instance. Read its maps[] and run its programs[] as an instance's
 * own; tc_l3 is never there. It sends nothing: a program that would send a copy of its packet goes
 * on as if it had. Counters begin at 0, and it knows no next hops. 0 or -errno, reported.
 * dataplane_close() closes it. */
int dataplane_shadow(const struct dataplane *dp, struct dataplane **ret);
/* Clears counters and next hops. 0 or -errno. */
int dataplane_shadow_clear(struct dataplane *shadow);
/* The first slots of nexthops that belong to no listener: those of uniform prefixes, and behind
 * them the neighbours' clocks. */
void dataplane_shadow_slots(const struct dataplane *shadow, __u32 *ret_uniform,
			    __u32 *ret_gateways);
