/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Traces the packets of running programs with BPF programs that the kernel calls when those return
 * (fexit). This costs time only while it is open, and does not change the programs of the data
 * path. `monitor` uses it.
 */
#pragma once
#include <linux/types.h>
#include "dataplane/dataplane.h"
#include "tracing_abi.h"

struct tracer;
typedef void tracer_sink(void *data, const struct tracing_packet *p, const void *bytes, __u32 n);

/* Attaches programs that report packets to `sink`. kinds: bits of enum tracing_kind. each: most
 * packets per jiffy and CPU. Returns 0, or -errno after printing an error; -EOPNOTSUPP if this
 * kernel or machine cannot trace. */
int tracer_open(const struct dataplane *dp, __u32 kinds, __u32 each, tracer_sink *sink, void *data,
		struct tracer **ret);
/* Returns whether the programs that are traced still run. If not, close the tracer and open it
 * again. */
bool tracer_is_current(const struct tracer *l, const struct dataplane *dp);
/* Returns an fd to poll. When it is readable, call tracer_consume(). */
int tracer_fd(const struct tracer *l);
int tracer_consume(struct tracer *l);
void tracer_close(struct tracer *l);

/* ---- a shadow ----
 * A second copy of a running instance's programs. It uses the instance's maps that packets only
 * read, and copies of the maps that packets write. So test runs in it (BPF_PROG_TEST_RUN) do not
 * change the instance. `trace` uses it. */

/* Makes a shadow: copies of the running programs and maps, to run single packets through. Nothing
 * is sent, not even copies of a packet. It begins with counters at 0 and no next hops, and never
 * has wgxdp_tc_l3. dataplane_close() closes it. Returns 0, or -errno after printing an error. */
int dataplane_shadow(const struct dataplane *dp, struct dataplane **ret);
/* Clears the shadow's counters and next hops, as before its first packet. Returns 0 or -errno. */
int dataplane_shadow_clear(struct dataplane *shadow);
/* Returns the first slot of the map nexthops that belongs to no listener: it is for uniform
 * prefixes. */
__u32 dataplane_shadow_slots(const struct dataplane *shadow);
