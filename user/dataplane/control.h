/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The map control as memory: fields are written one by one, for the next-hop generation has writers that hold no lock.
 */
#pragma once
#include <stdbool.h>
#include "abi.h"

/* NULL: errno says why */
struct control *control_map(int map);
void control_unmap(struct control *c);

/* Drops what is remembered of next hops: one addition, which needs no lock */
void control_forget_nexthops(struct control *c);
/* Until when the map uniform is believed, in jiffies; 0: not from now on. */
void control_set_heartbeat(struct control *c, __u64 until);

/* For an instance by its pin. Routing has changed: next hops are forgotten; routes: nor is uniform believed. 0 or -errno. */
int control_routing_changed(const char *instance, bool routes);
/* Lets the map uniform be believed for two seconds after a signal of the data path */
int control_heartbeat(const char *instance, const struct signal *signal);
