/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Traces the packets of running programs, by programs that the kernel calls when those return
 * (fexit). It costs something only while it is open, and the data path's programs stay as they are.
 * `monitor` and the daemon's page use it.
 */
#pragma once
#include <linux/types.h>
#include "dataplane/dataplane.h"
#include "tracing_abi.h"

struct tracer;
typedef void tracer_sink(void *data, const struct tracing_packet *p, const void *bytes, __u32 n);

/* Attaches the tracing programs, which pass packets to `sink`. kinds: the wanted ones, of enum
 * tracing_kind. each: most packets per tick and CPU. Returns 0 or -errno, after reporting it;
 * -EOPNOTSUPP: this kernel or machine cannot trace. */
int tracer_open(const struct dataplane *dp, __u32 kinds, __u32 each, tracer_sink *sink, void *data,
		struct tracer **ret);
/* Whether the traced programs are those that run; if not, close and open again. */
bool tracer_is_current(const struct tracer *l, const struct dataplane *dp);
/* Poll this fd, then call tracer_consume(). */
int tracer_fd(const struct tracer *l);
int tracer_consume(struct tracer *l);
/* Packets that were not reported for lack of room. */
__u64 tracer_lost(const struct tracer *l);
void tracer_close(struct tracer *l);
