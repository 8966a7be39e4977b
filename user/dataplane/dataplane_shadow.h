/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * dataplane: a shadow of what runs: the same programs once more, with the running maps that packets only read, and copies of those
 * that they write. What is run in it (BPF_PROG_TEST_RUN) leaves the instance as it is.
 */
#pragma once
#include "dataplane/dataplane.h"

/* For a running instance. Its maps[] and programs[] are to be read and run as an instance's own; tc_l3 is never there. Nothing in it is
 * sent: where a program would send a copy of its packet it goes on as if it had. Counters begin at 0, and no next hop is remembered.
 * 0 or -errno, told. Closed by dataplane_close(). */
int dataplane_shadow(const struct dataplane *dp, struct dataplane **ret);
/* Counters at 0 again, and next hops forgotten */
int dataplane_shadow_clear(struct dataplane *shadow);
/* Where slots of nexthops begin that are no listener's: those of uniform prefixes, and the neighbours' clocks behind them */
void dataplane_shadow_slots(const struct dataplane *shadow, __u32 *ret_uniform, __u32 *ret_gateways);
