/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Keys of a topology's hosts: kept in DIR/state/keys, made with wg(8) where they lack. A private key is in NAME-DEVICE, NAME being the
 * site's where its edges share it, and that of topology.shared where relays do; a preshared one in ONE+OTHER.
 */
#pragma once
#include <stdbool.h>
#include "gen/gen.h"

struct gen_keys;

/* Fills the topology's public keys that were not given; dir as in gen_files_bring(). make: those that lack are made, else they are stood in
 * for, and differ from every key that there is. -errno: told. */
int gen_keys_read(struct topology *t, int dir, const char *directory, bool make, struct gen_keys **ret);
void gen_keys_free(struct gen_keys *k);
/* For struct gen, whose data is the keys */
const char *gen_private_key(const struct gen *g, const struct topology_host *h, const char *device);
struct wg_key gen_public_key(const struct gen *g, const struct topology_host *h, const char *device);
const char *gen_preshared_key(const struct gen *g, const char *one, const char *other);
/* All that were asked for, into the set of files. -errno: one of them could not be had, which was told. */
int gen_keys_keep(struct gen_keys *k, struct gen_files *f);
/* Whether this base64 stands for a key that is yet to be made */
bool gen_key_is_to_be(const char *key);
