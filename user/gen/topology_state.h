/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Numbers of a topology that stay the same from run to run, each unique in its scope. Only
 * topology*.c include it.
 */
#pragma once
#include "gen/topology.h"

/* Scopes other than those of a site or gateway, which are named after it; no name has a slash */
#define SCOPE_SITES "/sites"
#define SCOPE_RELAYS "/relays"
#define TOPOLOGY_NUMBER_MAX 0xffff
#define OVERLAY_LONGEST 60
#define ENDS_LONGEST 96			/* tunnels, mesh: a subnet and a number follow */

/* By name, and by number; NULL: none. Names ignore case. */
struct topology_kept *topology_kept(const struct topology_state *s, const char *scope,
				    const char *name);
struct topology_kept *topology_keeper(const struct topology_state *s, const char *scope,
				      unsigned int number);
int topology_keep(struct topology_state *s, const char *scope, const char *name,
		  unsigned int number);
void topology_forget(struct topology_state *s, struct topology_kept *k);
