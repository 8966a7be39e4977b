/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Looking at the packets of programs that run, by programs that the kernel calls when those return (fexit): as long as this is open, and
 * at no cost else. The data path's programs stay as they are.
 */
#pragma once
#include <linux/types.h>
#include "dataplane/dataplane.h"
#include "look_abi.h"

struct looking;
typedef void look_take(void *data, const struct look_packet *p, const void *bytes, __u32 n);

/* kinds: of enum look_kind. each: packets a tick and CPU at most. -errno, told: EOPNOTSUPP where this kernel or machine cannot */
int looking_open(const struct dataplane *dp, __u32 kinds, __u32 each, look_take *take, void *data, struct looking **ret);
/* The programs that run are still those that are looked at; else it is to be opened anew */
bool looking_is_current(const struct looking *l, const struct dataplane *dp);
int looking_fd(const struct looking *l);	/* to be polled; then: */
int looking_consume(struct looking *l);
/* Packets that there was no room to tell of */
__u64 looking_lost(const struct looking *l);
void looking_close(struct looking *l);
