/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Numbers of a topology that stay the same from run to run, each unique in its scope. Only
 * topology*.c include it.
 */
#pragma once
#include "gen/topology.h"

/* Names of scopes other than those of a site or gateway, whose names they have. No name of a host
 * has a slash. */
#define SCOPE_SITES "/sites"
#define SCOPE_RELAYS "/relays"
#define TOPOLOGY_NUMBER_MAX 0xffff
#define OVERLAY_LONGEST 60
/* Longest prefix of tunnels and mesh, in bits, because a subnet and a number follow. */
#define ENDS_LONGEST 96

/* Find an assignment by its name, and by its number. They return NULL if there is none. Names
 * ignore case. */
struct topology_kept *topology_kept(const struct topology_state *s, const char *scope,
				    const char *name);
struct topology_kept *topology_keeper(const struct topology_state *s, const char *scope,
				      unsigned int number);
int topology_keep(struct topology_state *s, const char *scope, const char *name,
		  unsigned int number);
void topology_forget(struct topology_state *s, struct topology_kept *k);
