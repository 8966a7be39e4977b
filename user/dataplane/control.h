/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The map control as memory. Fields are written one by one, because the next-hop generation has
 * writers that hold no lock. The loader and the daemon use it.
 */
#pragma once
#include <stdbool.h>
#include "abi.h"

/* NULL: see errno. */
struct control *control_map(int map);
void control_unmap(struct control *c);

/* Makes the data path forget its next hops, by one addition that needs no lock. */
void control_forget_nexthops(struct control *c);
/* Sets until when the data path trusts the map uniform, in jiffies; 0: it stops now. */
void control_set_heartbeat(struct control *c, __u64 until);

/* Tells an instance that routing has changed: it forgets its next hops and, if routes, stops to
 * trust uniform. 0 or -errno. */
int control_routing_changed(const char *instance, bool routes);
/* Lets the data path trust the map uniform for two seconds after one of its signals. 0 or
 * -errno. */
int control_heartbeat(const char *instance, const struct signal *signal);
