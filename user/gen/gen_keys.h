/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Keys of a topology's hosts, kept in DIR/state/keys and made with wg(8) where missing. A private
 * key's file is NAME-DEVICE; NAME is the site's where its edge routers share the key, and
 * topology.shared's where relays do. A preshared key's file is ONE+OTHER. For gen_hosts.c.
 */
#pragma once
#include <stdbool.h>
#include "gen/gen.h"

/* Fills in the public keys that the topology does not give. make: makes missing keys; otherwise
 * each is replaced by a stand-in that equals no key. dir: as in gen_files_bring(). Returns 0, or
 * -errno after printing an error. */
int gen_keys_read(struct topology *t, int dir, const char *directory, bool make,
		  struct gen_keys **ret);
/* Adds all keys that are in use to the set of files, and moves all others to state/removed, from
 * where they come back with their host. Returns 0, or -errno after printing an error
 * if a key is missing. */
int gen_keys_keep(struct gen_keys *k, struct gen_files *f);
/* Returns whether this base64 text is a stand-in for a key that is not made yet. */
bool gen_key_is_to_be(const char *key);
