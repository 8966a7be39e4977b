/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * former_learned: what a table of struct learned_entry takes over from the map that it replaces.
 */
#pragma once
#include "dataplane/dataplane.h"

/* Copies the entries of `from`, a table of another size or the LRU_HASH of programs before it, into
 * `to`, unless their keys are there. Limits of ICMP errors and fragments, which last for two
 * seconds, begin anew where `from` is an LRU_HASH. */
void former_learned(enum dataplane_map m, int from, int to, const struct learned_secret *secret);
