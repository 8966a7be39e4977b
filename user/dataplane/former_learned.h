/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Copies the contents of a map into the table of struct learned_entry that replaces it. dataplane.c
 * includes it.
 */
#pragma once
#include "dataplane/dataplane.h"

/* Copies the entries of `from` into `to`, except those whose keys are there already. `from` is a
 * table of another size, or an LRU_HASH of a former build. From an LRU_HASH it copies no fragments
 * and no limits of ICMP errors, because these last only two seconds. */
void former_learned(enum dataplane_map m, int from, int to, const struct learned_secret *secret);
