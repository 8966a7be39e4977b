/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Maps the BPF map `control` into memory and changes it. Fields are written one by one, because
 * some writers of the next-hop generation do not hold the instance's lock. dataplane/ and daemon/
 * include it.
 */
#pragma once
#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>
#include "abi.h"

/* Reads the map `control`, given by its fd. A build with another ABI_VERSION may have made it with
 * another size; then only .abi_version is right. Returns 0 or -errno. */
int control_read(int map, struct control *ret);
/* Maps the map `control`, given by its fd, into memory. Returns NULL and sets errno on failure. */
struct control *control_map(int map);
void control_unmap(struct control *c);

/* Makes the next hops that the data path remembers invalid, by incrementing their generation. Needs
 * no lock. */
void control_forget_nexthops(struct control *c);
/* Changes the map with this fd, if it can. decisions: makes the next hops and the express path's
 * memos invalid. uniform: makes the data path stop using the map `uniform`. */
void control_forget(int map, bool decisions, bool uniform);

/* Tells the data path of an instance that routing changed: it forgets its next hops and, if
 * `routes` is true, stops using the map `uniform`. */
void control_routing_changed(const char *instance, bool routes);
/* Answers a heartbeat signal: the data path may use the map `uniform` for two seconds from the
 * signal on. */
void control_heartbeat(const char *instance, const struct signal *signal);

/* ---- the text of the running configuration ----
 * The text is in a BPF map that is pinned as `config`, beside the maps that were made from it. A
 * new text gets a new map, whose pin replaces the old one atomically. */

#define CONFIG_PIN "config"

/* Makes a map that contains the n bytes of a configuration's text, without a NUL. Returns its fd,
 * never 0, or -errno. */
int config_text_make(const char *text, size_t n);
/* Reads the running configuration's text and adds a NUL. The caller frees *ret. Returns 0 or
 * -errno; -ENOENT if the instance has none. */
int config_text_read(const char *instance, char **ret);
/* Returns the id of the map that contains the running configuration's text; 0: there is none. */
__u32 config_text_id(const char *instance);
