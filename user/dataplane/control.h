/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Maps the BPF map `control` into memory and changes it. Fields are written one by one, because
 * some writers of the next-hop generation do not hold the instance's lock. dataplane/ and daemon/
 * include it.
 */
#pragma once
#include <stdbool.h>
#include "abi.h"

/* Maps the map with this fd. Returns NULL and sets errno on failure. */
struct control *control_map(int map);
void control_unmap(struct control *c);

/* Makes the data path forget its next hops, by incrementing their generation. This needs no
 * lock. */
void control_forget_nexthops(struct control *c);
/* Sets until when, in jiffies, the data path may use the map `uniform`; 0: not any more. */
void control_set_heartbeat(struct control *c, __u64 until);

/* Tells the data path of an instance that routing changed: it forgets its next hops and, if
 * `routes` is true, stops using the map `uniform`. Returns 0 or -errno. */
int control_routing_changed(const char *instance, bool routes);
/* Answers a signal of the data path: it may use the map `uniform` for two seconds after the signal.
 * Returns 0 or -errno. */
int control_heartbeat(const char *instance, const struct signal *signal);
