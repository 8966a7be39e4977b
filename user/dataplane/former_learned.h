/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Copies the contents of a map into the table of struct learned_entry that replaces it. dataplane.c
 * includes it.
 */
#pragma once
#include "dataplane/dataplane.h"

/* Copies the entries of `from` into `to`, except those whose keys are there already. `from` is a
 * table of another size, or the LRU_HASH that former builds used. From an LRU_HASH, fragments and
 * limits of ICMP errors are not copied, because they last only two seconds. */
void former_learned(enum dataplane_map m, int from, int to, const struct learned_secret *secret);
