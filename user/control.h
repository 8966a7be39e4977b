/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The map control as memory: fields are written one by one, for the next-hop generation has writers that hold no lock.
 */
#pragma once
#include "abi.h"

/* NULL: errno says why */
struct control *control_map(int map);
void control_unmap(struct control *c);

/* Drops what is remembered of next hops: one addition, which needs no lock */
void control_forget_nexthops(struct control *c);
/* The same for an instance by its pin. 0 or -errno. */
int control_forget_nexthops_of(const char *instance);
