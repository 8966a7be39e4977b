/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Traces the packets of running programs, by programs that the kernel calls when those return
 * (fexit). It costs something only while it is open, and the data path's programs stay as they are.
 * `monitor` and the daemon's page use it.
 */
#pragma once
#include <linux/types.h>
#include "dataplane/dataplane.h"
#include "look_abi.h"

struct looking;
typedef void look_take(void *data, const struct look_packet *p, const void *bytes, __u32 n);

/* Opens it. kinds: of enum look_kind. each: most packets per tick and CPU. 0 or -errno, reported;
 * -EOPNOTSUPP: this kernel or machine cannot trace. */
int looking_open(const struct dataplane *dp, __u32 kinds, __u32 each, look_take *take, void *data,
		 struct looking **ret);
/* Whether the traced programs are those that run; if not, close and open again. */
bool looking_is_current(const struct looking *l, const struct dataplane *dp);
/* Poll this fd, then call looking_consume(). */
int looking_fd(const struct looking *l);
int looking_consume(struct looking *l);
/* Packets that were not reported for lack of room. */
__u64 looking_lost(const struct looking *l);
void looking_close(struct looking *l);
